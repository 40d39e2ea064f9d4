/* Both halves of the engine together: specs are compiled, interpreted in a cloned child as svc-init would,
 * and the payload, a shell in an overlay over the host's "/", says what it sees. Needs root; runs in PID and
 * mount namespaces of its own. */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/compile.h"
#include "engine/interpret.h"
#include "engine/launch.h"
#include "tests/unit/test.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

static char scratch[] = "/tmp/test-engine.XXXXXX";

/* What came of a run. */
struct outcome {
	char output[8192];
	int status; /* raw wait status of the child, or of the payload where it was reported */
	uint32_t failed_op;
	int failed_errno;
	char failed_text[512];
};

static void make_scratch(void)
{
	static bool made;

	if (geteuid() != 0)
		SKIP("needs root");
	if (made)
		return;
	EXPECT(mkdtemp(scratch) && chmod(scratch, 0755) == 0);
	made = true;
}

static char *scratch_path(const char *name)
{
	char *path = text_format("%s/%s", scratch, name);

	EXPECT(path != NULL);
	return path;
}

__attribute__((destructor)) static void remove_scratch(void)
{
	_cleanup_free_ char *command = text_format("rm -rf '%s'", scratch);

	if (!text_ends_with(scratch, "XXXXXX") && system(command) != 0)
		printf("# %s failed\n", command);
}

/* The descriptors as the manager would bring them. */
static void open_descriptors(const struct program *program, const int *stdio, int join_pidfd,
			     int *descriptors)
{
	for (int i = 0; i < 3; i++)
		descriptors[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10);
	for (size_t i = 0; i < program->n_descriptors; i++) {
		const struct program_descriptor *d = &program->descriptors[i];

		if (d->kind == PROGRAM_DESCRIPTOR_PATH)
			descriptors[3 + i] = open(d->path, O_PATH | O_CLOEXEC);
		else if (d->kind == PROGRAM_DESCRIPTOR_NAMESPACE)
			descriptors[3 + i] = open(d->path, O_RDONLY | O_CLOEXEC);
		else if (d->kind == PROGRAM_DESCRIPTOR_JOIN)
			descriptors[3 + i] = fcntl(join_pidfd, F_DUPFD_CLOEXEC, 10);
		else
			descriptors[3 + i] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		EXPECT(descriptors[3 + i] >= 0);
	}
}

struct child {
	pid_t pid;
	int output_fd, report_fd, gate_fd; /* gate: the payload's standard input */
};

static void start(const struct program *program, int join_pidfd, struct child *child)
{
	int descriptors[LAUNCH_MAX_DESCRIPTORS], output[2], report[2], gate[2];
	struct clone_args arguments = {.flags = program->block->clone_flags & ~(uint64_t)CLONE_NEWNS,
				       .exit_signal = SIGCHLD};

	EXPECT(program_validate(program->block, program->block->size) == 0);
	EXPECT(pipe2(output, O_CLOEXEC) == 0 && pipe2(gate, O_CLOEXEC) == 0);
	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) == 0);
	open_descriptors(program, (int[]){gate[0], output[1], output[1]}, join_pidfd, descriptors);
	fflush(stdout);
	child->pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (child->pid == 0)
		interpret(&(struct interpreter){
			.program = program->block, .descriptors = descriptors, .report_fd = report[1]});
	EXPECT(child->pid > 0);
	for (size_t i = 0; i < program->block->n_descriptors; i++)
		close(descriptors[i]);
	close(output[1]);
	close(report[1]);
	close(gate[0]);
	child->output_fd = output[0];
	child->report_fd = report[0];
	child->gate_fd = gate[1];
}

static void finish(const struct program *program, struct child *child, struct outcome *outcome)
{
	struct launch_report report;
	size_t length = 0;
	ssize_t n;

	fd_close(child->gate_fd);
	while ((n = read(child->output_fd, outcome->output + length, sizeof(outcome->output) - 1 - length)) >
	       0)
		length += (size_t)n;
	outcome->output[length] = '\0';
	EXPECT(waitpid(child->pid, &outcome->status, 0) == child->pid);
	while (recv(child->report_fd, &report, sizeof(report), MSG_DONTWAIT) == sizeof(report)) {
		if (report.type == LAUNCH_REPORT_FAILED) {
			_cleanup_free_ char *text = report.op < program->block->n_ops
							    ? program_print_op(program->block, report.op)
							    : NULL;

			outcome->failed_op = report.op;
			outcome->failed_errno = report.error;
			snprintf(outcome->failed_text, sizeof(outcome->failed_text), "%s", text ?: "?");
			printf("# operation %u (%s): %s\n", report.op, outcome->failed_text,
			       strerror(report.error));
		}
		if (report.type == LAUNCH_REPORT_EXITED)
			outcome->status = report.wait_status;
	}
	close(child->output_fd);
	close(child->report_fd);
}

static struct compile_context context = {.name = "test.service", .auto_range = 524288, .join_pidfd = -1};

static struct program *compile_script(const struct spec *spec, const char *script)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	const struct compile_command command = {.path = "/bin/sh", .argv = argv};
	struct program *program = NULL;
	struct failure failure = {};

	if (compile(spec, &command, &context, &program, &failure, NULL, NULL) < 0)
		printf("# %s\n", failure.text);
	EXPECT(program != NULL);
	return program;
}

/* Runs SCRIPT in a container by SPEC, which is released. */
static void run(struct spec *spec, const char *script, struct outcome *outcome)
{
	_cleanup_(cleanup_program_free) struct program *program = compile_script(spec, script);
	struct child child;

	*outcome = (struct outcome){.failed_op = UINT32_MAX};
	start(program, -1, &child);
	finish(program, &child, outcome);
	spec_deinit(spec);
}

#define EXPECT_OUTPUT(outcome, expected)                                                     \
	do {                                                                                 \
		EXPECT((outcome)->failed_op == UINT32_MAX);                                  \
		EXPECT_TEXT((outcome)->output, expected);                                    \
		EXPECT(WIFEXITED((outcome)->status) && WEXITSTATUS((outcome)->status) == 0); \
	} while (0)

static void fill_container(struct spec *spec)
{
	make_scratch();
	spec_init(spec);
	EXPECT(text_list_append(&spec->image_layers, "/") == 0);
	spec->user_namespace = SPEC_USER_AUTO;
	spec->private_mounts = spec->private_pids = spec->private_network = spec->private_ipc =
		spec->private_hostname = true;
	spec->control_groups = SPEC_CONTROL_GROUPS_PRIVATE;
	spec->seccomp_default = SPEC_SECCOMP_CONTAINER;
	spec->capability_bounding_set = CAP(CHOWN) | CAP(NET_BIND_SERVICE) | CAP(SETUID) | CAP(SETGID) |
					CAP(KILL) | CAP(DAC_OVERRIDE);
}

static struct spec_mount *add_mount(struct spec_mounts *mounts, enum spec_mount_kind kind, const char *from,
				    const char *to)
{
	struct spec_mount *mount = spec_mounts_append(mounts);

	EXPECT(mount && text_set(&mount->source, from) == 0 && text_set(&mount->target, to) == 0);
	mount->kind = kind;
	return mount;
}

/* --- the whole container ----------------------------------------------------------------------------- */

TEST(plain)
{
	struct outcome outcome;
	struct spec spec;

	spec_init(&spec);
	run(&spec, "echo $PATH; umask; pwd", &outcome);
	EXPECT_OUTPUT(&outcome, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n0022\n/\n");
}

TEST(container_sees_itself)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	run(&spec,
	    "test $$ != 1 && id -u; cat /proc/self/uid_map | tr -s ' '; hostname; ls /sys/class/net; ls /proc/self/fd | wc -l; "
	    "stat -c %u /etc /run /tmp /dev; cat /proc/1/comm >/dev/null && echo seen",
	    &outcome);
	EXPECT_OUTPUT(&outcome, "0\n 0 524288 65536\ntest\nlo\n4\n0\n0\n0\n0\nseen\n");
}

TEST(container_without_init_is_pid_1)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	spec.run_init = false;
	run(&spec, "echo $$", &outcome);
	EXPECT_OUTPUT(&outcome, "1\n");
}

TEST(capabilities_and_filter)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	run(&spec,
	    "grep -E '^(CapBnd|CapPrm|CapEff|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'; "
	    "unshare -U true 2>&1 | grep -c permitted; mount -t tmpfs x /mnt 2>&1 | grep -c permi",
	    &outcome);
	EXPECT_OUTPUT(
		&outcome,
		"CapPrm:00000000000004e3\nCapEff:00000000000004e3\nCapBnd:00000000000004e3\nCapAmb:0000000000000000\n"
		"NoNewPrivs:0\nSeccomp:2\n1\n1\n");
}

TEST(a_user_has_only_ambient_capabilities)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	spec.ambient_capabilities = CAP(NET_BIND_SERVICE);
	EXPECT(text_set(&spec.user, "daemon") == 0);
	run(&spec, "id -un; id -G; grep -E '^(CapEff|CapAmb):' /proc/self/status | tr -d '\\t'; echo $HOME",
	    &outcome);
	EXPECT_OUTPUT(&outcome, "daemon\n1\nCapEff:0000000000000400\nCapAmb:0000000000000400\n/usr/sbin\n");
}

TEST(writes_never_reach_the_layer)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	run(&spec,
	    "echo x > /etc/test-engine-file && cat /etc/test-engine-file && stat -c %u /etc/test-engine-file",
	    &outcome);
	EXPECT_OUTPUT(&outcome, "x\n0\n");
	EXPECT(access("/etc/test-engine-file", F_OK) < 0);
}

TEST(a_volume_keeps_what_is_written_with_its_owner)
{
	_cleanup_free_ char *path = NULL, *file = NULL;
	struct outcome outcome;
	struct spec spec;
	struct stat st;

	fill_container(&spec);
	path = scratch_path("volume");
	file = scratch_path("volume/file");
	EXPECT(mkdir(path, 0755) == 0 || errno == EEXIST);
	add_mount(&spec.volumes, SPEC_MOUNT_BIND, path, "/var/lib/made-for-it");
	run(&spec, "echo y > /var/lib/made-for-it/file; stat -c '%u %n' /var/lib/made-for-it/file", &outcome);
	EXPECT_OUTPUT(&outcome, "0 /var/lib/made-for-it/file\n");
	EXPECT(stat(file, &st) == 0 && st.st_uid == 0);
}

TEST(a_read_only_volume)
{
	_cleanup_free_ char *path = NULL;
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	path = scratch_path("volume");
	EXPECT(mkdir(path, 0755) == 0 || errno == EEXIST);
	add_mount(&spec.volumes, SPEC_MOUNT_BIND, path, "/srv")->read_only = true;
	run(&spec, "echo y 2>/dev/null > /srv/z || echo refused", &outcome);
	EXPECT_OUTPUT(&outcome, "refused\n");
}

TEST(a_persistent_upper_layer)
{
	_cleanup_free_ char *path = NULL, *upper = NULL;
	struct outcome outcome;
	struct stat st;

	make_scratch();
	path = scratch_path("upper");
	upper = scratch_path("upper/made");
	/* overlayfs takes no upper layer on an overlay or on what has no extended attributes. */
	EXPECT(mkdir(path, 0755) == 0);
	EXPECT(mount("tmpfs", path, "tmpfs", 0, NULL) == 0);
	for (int i = 0; i < 2; i++) {
		struct spec spec;

		fill_container(&spec);
		spec.upper = SPEC_UPPER_PERSISTENT;
		EXPECT(text_set(&spec.upper_directory, upper) == 0);
		run(&spec, "cat /etc/kept 2>/dev/null || echo none; echo kept > /etc/kept", &outcome);
		if (i == 0 && outcome.failed_op != UINT32_MAX && outcome.failed_errno == EINVAL) {
			umount2(path, MNT_DETACH);
			SKIP("this kernel cannot idmap a tmpfs");
		}
		EXPECT_OUTPUT(&outcome, i == 0 ? "none\n" : "kept\n");
	}
	EXPECT(stat(upper, &st) == 0 && st.st_uid == 0 && (st.st_mode & 07777) == 0700);
	umount2(path, MNT_DETACH);
}

TEST(a_read_only_root)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	spec.read_only_root = true;
	run(&spec,
	    "echo x 2>/dev/null > /etc/x || echo refused; echo x > /tmp/x && echo tmp; echo x > /run/x && echo run",
	    &outcome);
	EXPECT_OUTPUT(&outcome, "refused\ntmp\nrun\n");
}

TEST(no_upper_layer)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	spec.upper = SPEC_UPPER_NONE;
	run(&spec, "echo x 2>/dev/null > /etc/x || echo refused", &outcome);
	EXPECT_OUTPUT(&outcome, "refused\n");
}

TEST(masks)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	EXPECT(text_list_append(&spec.mask, "/usr/share") == 0);
	run(&spec,
	    "wc -c < /proc/timer_list; ls -A /sys/firmware /usr/share 2>/dev/null | grep -v : | wc -w; "
	    "echo 1 2>/dev/null > /proc/sys/kernel/domainname || echo ro; echo x 2>/dev/null > /sys/kernel/profiling || echo ro",
	    &outcome);
	EXPECT_OUTPUT(&outcome, "0\n0\nro\nro\n");
}

/* Two files and a directory, as a user, who sees that nothing else changed where the program went. */
static void run_inaccessible(struct spec *spec, const char *directory, const char *expected)
{
	static const char *const names[] = {"first", "second", "below"};
	_cleanup_free_ char *script = NULL;
	struct outcome outcome;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = text_format("%s/%s", directory, names[i]);

		EXPECT(path != NULL);
		add_mount(&spec->inaccessible_paths, SPEC_MOUNT_INACCESSIBLE, NULL, path);
	}
	EXPECT(text_set(&spec->user, "65533") == 0);
	script = text_format(
		"cd %s; exec 2>&-; stat -c '%%A %%s' first second below; cat first; echo x > second; ls below; cat third; grep -c ' / ' /proc/self/mounts",
		directory);
	run(spec, script, &outcome);
	EXPECT_OUTPUT(&outcome, expected);
}

TEST(inaccessible)
{
	static const char expected[] = "---------- 0\n---------- 0\nd--------- 40\nthird\n1\n";
	_cleanup_free_ char *directory = NULL, *command = NULL;
	struct spec spec;

	make_scratch();
	directory = scratch_path("inaccessible");
	command = text_format(
		"cd %s && mkdir -p inaccessible/below && cd inaccessible && for i in first second third below/x; do echo $i > $i; done",
		scratch);
	EXPECT(command && system(command) == 0);
	spec_init(&spec);
	run_inaccessible(&spec, directory, expected);

	fill_container(&spec);
	add_mount(&spec.volumes, SPEC_MOUNT_BIND, directory, "/srv");
	run_inaccessible(&spec, "/srv", expected);
}

TEST(device_directory)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	run(&spec,
	    "ls /dev | tr '\\n' ' '; echo; echo x > /dev/null && head -c1 /dev/zero | wc -c; echo s > /dev/shm/s && cat /dev/shm/s; "
	    "test -c /dev/ptmx && echo ptmx",
	    &outcome);
	EXPECT_OUTPUT(
		&outcome,
		"fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \n1\ns\nptmx\n");
}

/* Each namespace by itself. */
TEST(each_namespace_alone)
{
	static const struct {
		size_t field;
		const char *name;
	} cases[] = {
		{offsetof(struct spec, private_mounts), "mnt"},
		{offsetof(struct spec, private_pids), "pid"},
		{offsetof(struct spec, private_network), "net"},
		{offsetof(struct spec, private_ipc), "ipc"},
		{offsetof(struct spec, private_hostname), "uts"},
		{offsetof(struct spec, private_time), "time"},
		{offsetof(struct spec, user_namespace), "user"},
		{offsetof(struct spec, control_groups), "cgroup"},
	};

	make_scratch();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *script = text_format("readlink /proc/self/ns/%s", cases[i].name);
		_cleanup_free_ char *path = text_format("/proc/self/ns/%s", cases[i].name);
		struct outcome outcome;
		char own[64] = "";
		struct spec spec;

		spec_init(&spec);
		if (cases[i].field == offsetof(struct spec, user_namespace))
			spec.user_namespace = SPEC_USER_SELF;
		else if (cases[i].field == offsetof(struct spec, control_groups))
			spec.control_groups = SPEC_CONTROL_GROUPS_PRIVATE;
		else
			*(bool *)((char *)&spec + cases[i].field) = true;
		EXPECT(readlink(path, own, sizeof(own) - 2) > 0);
		strcat(own, "\n");
		run(&spec, script, &outcome);
		EXPECT(outcome.failed_op == UINT32_MAX && WIFEXITED(outcome.status) &&
		       WEXITSTATUS(outcome.status) == 0);
		EXPECT(strncmp(outcome.output, own, 4) == 0 && strcmp(outcome.output, own) != 0);
	}
}

TEST(time_offsets)
{
	struct outcome outcome;
	struct spec spec;

	fill_container(&spec);
	spec.time_offset_boottime = INT64_C(1000000000) * 86400 * 1000;
	run(&spec, "test $(cut -d. -f1 /proc/uptime) -ge 86400000 && echo later", &outcome);
	EXPECT_OUTPUT(&outcome, "later\n");
}

/* --- sandboxes on the host's tree -------------------------------------------------------------------- */

TEST(strict_sandbox)
{
	_cleanup_free_ char *rw = NULL, *script = NULL;
	struct outcome outcome;
	struct spec spec;

	make_scratch();
	rw = scratch_path("rw");
	EXPECT(mkdir(rw, 0755) == 0);
	spec_init(&spec);
	spec.protect_system = SPEC_PROTECT_SYSTEM_STRICT;
	spec.protect_home = SPEC_PROTECT_HOME_YES;
	spec.private_devices = spec.protect_kernel_tunables = spec.no_new_privileges = true;
	add_mount(&spec.read_write_paths, SPEC_MOUNT_READ_WRITE, NULL, rw);
	script = text_format(
		"echo x 2>/dev/null > /etc/x || echo ro; echo x > %s/x && echo rw; ls -A /root 2>/dev/null | wc -l; "
		"echo /dev/*/ ; echo x > /dev/null && echo null; echo 2>/dev/null 1 > /proc/sys/kernel/domainname || echo tunables",
		rw);
	run(&spec, script, &outcome);
	EXPECT_OUTPUT(&outcome, "ro\nrw\n0\n/dev/fd/ /dev/mqueue/ /dev/pts/ /dev/shm/\nnull\ntunables\n");
}

TEST(no_exec_with_exceptions)
{
	_cleanup_free_ char *tool = NULL, *script = NULL;
	struct outcome outcome;
	struct spec spec;

	make_scratch();
	tool = scratch_path("tool");
	script = text_format("%s 2>/dev/null || echo refused; ls -d /usr", tool);
	EXPECT(fd_replace_file_at(AT_FDCWD, tool, "#!/bin/sh\necho ran\n", 18, 0755) == 0);
	spec_init(&spec);
	add_mount(&spec.no_exec_paths, SPEC_MOUNT_NO_EXEC, NULL, "/");
	add_mount(&spec.exec_paths, SPEC_MOUNT_EXEC, NULL, "/usr");
	add_mount(&spec.exec_paths, SPEC_MOUNT_EXEC, NULL, "/bin");
	run(&spec, script, &outcome);
	EXPECT_OUTPUT(&outcome, "refused\n/usr\n");
}

TEST(temporary_file_system_with_a_bind_in_it)
{
	struct outcome outcome;
	struct spec spec;
	struct spec_mount *mount;

	make_scratch();
	spec_init(&spec);
	mount = add_mount(&spec.temporary_file_systems, SPEC_MOUNT_TMPFS, NULL, "/var");
	mount->read_only = true;
	add_mount(&spec.bind_read_only_paths, SPEC_MOUNT_BIND, "/etc/hostname", "/var/lib/x/hostname")
		->read_only = true;
	run(&spec, "ls /var /var/lib /var/lib/x; echo x 2>/dev/null > /var/y || echo ro", &outcome);
	EXPECT_OUTPUT(&outcome, "/var:\nlib\n\n/var/lib:\nx\n\n/var/lib/x:\nhostname\nro\n");
}

/* --- exec into it ------------------------------------------------------------------------------------ */

TEST(exec_joins_the_container)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL, *exec = NULL;
	struct outcome outcome = {.failed_op = UINT32_MAX}, first = {.failed_op = UINT32_MAX};
	struct child child, joined;
	struct spec spec;
	char byte;
	int pidfd;

	fill_container(&spec);
	spec.private_time = true;
	program = compile_script(&spec, "echo x > /run/mark; echo; read end");
	start(program, -1, &child);
	EXPECT(read(child.output_fd, &byte, 1) == 1);
	pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	EXPECT(pidfd >= 0);
	context.join_pidfd = pidfd;
	exec = compile_script(
		&spec,
		"hostname; id -u; cat /run/mark; test -d /proc/$$ && echo own; grep CapEff /proc/self/status | tr -d '\\t'");
	context.join_pidfd = -1;
	start(exec, pidfd, &joined);
	finish(exec, &joined, &outcome);
	close(pidfd);
	finish(program, &child, &first);
	spec_deinit(&spec);
	EXPECT_OUTPUT(&outcome, "test\n0\nx\nown\nCapEff:00000000000004e3\n");
}

/* --- failures ---------------------------------------------------------------------------------------- */

TEST(a_missing_command_is_reported)
{
	const struct compile_command command = {.path = "/no/such",
						.argv = (char *const[]){(char *)"x", NULL}};
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct outcome outcome = {.failed_op = UINT32_MAX};
	struct child child;
	struct spec spec;

	fill_container(&spec);
	EXPECT(compile(&spec, &command, &context, &program, NULL, NULL, NULL) == 0);
	start(program, -1, &child);
	finish(program, &child, &outcome);
	spec_deinit(&spec);
	EXPECT(outcome.failed_op == program->block->n_ops - 1 && outcome.failed_errno == ENOENT);
	EXPECT(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 203);
}

TEST_MAIN
