/* Launch programs without root: specs built here are compiled and printed, and compared with
 * tests/golden/NAME.txt. UPDATE_GOLDEN=1 writes the files anew. The container's files are a directory made
 * for the test. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/compile.h"
#include "engine/landlock.h"
#include "tests/unit/test.h"

static char *image;  /* the image layer, a directory of our own */
static char *source; /* a volume's source */

static void write_file(const char *path, const char *text, mode_t mode)
{
	EXPECT(fd_replace_file_at(AT_FDCWD, path, text, strlen(text), mode) == 0);
}

static void make_image(void)
{
	static const char *const directories[] = {"etc", "proc", "sys",	    "dev",
						  "run", "tmp",	 "usr/bin", "var/lib/data"};
	char template[] = "/tmp/test-compile.XXXXXX";
	static char image_path[64], source_path[64], path[256];

	if (image)
		return;
	EXPECT(mkdtemp(template) != NULL);
	snprintf(image_path, sizeof(image_path), "%s/image", template);
	snprintf(source_path, sizeof(source_path), "%s/source", template);
	image = image_path;
	source = source_path;
	EXPECT(fd_make_directories(source, 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(path, sizeof(path), "%s/%s", image, directories[i]);
		EXPECT(fd_make_directories(path, 0755) == 0);
	}
	snprintf(path, sizeof(path), "%s/etc/passwd", image);
	write_file(path, "root:x:0:0:root:/root:/bin/sh\nredis:x:104:107::/var/lib/redis:/usr/sbin/nologin\n",
		   0644);
	snprintf(path, sizeof(path), "%s/etc/group", image);
	write_file(path, "root:x:0:\nredis:x:107:\nssl:x:110:redis,other\nadm:x:4:\n", 0644);
	snprintf(path, sizeof(path), "%s/usr/bin/server", image);
	write_file(path, "", 0755);
}

__attribute__((destructor)) static void remove_image(void)
{
	_cleanup_free_ char *command =
		image ? text_format("rm -rf '%.*s'", (int)(strlen(image) - strlen("/image")), image) : NULL;

	if (command && system(command) != 0)
		printf("# %s failed\n", command);
}

/* The program as text: a head line, then one line per operation. Paths of the test's directories get names.
 */
static char *print_program(const struct program *program)
{
	struct text_buffer buffer = {}, named = {};
	_cleanup_free_ char *text = NULL;

	text_buffer_append(&buffer, "clone-flags %#llx descriptors %u\n",
			   (unsigned long long)program->block->clone_flags, program->block->n_descriptors);
	for (uint32_t i = 0; i < program->block->n_ops; i++) {
		_cleanup_free_ char *line = program_print_op(program->block, i);

		/* Depends on the host's logger; and how many system calls there are, on libseccomp. */
		if (text_starts_with(line, "load-seccomp"))
			text_buffer_append(&buffer, "load-seccomp\n");
		else if (!text_starts_with(line, "symlink /dev/log"))
			text_buffer_append(&buffer, "%s\n", line);
	}
	for (size_t i = 0; i < program->n_descriptors; i++)
		text_buffer_append(&buffer, "descriptor %zu: kind %d %s\n", i + 3,
				   program->descriptors[i].kind, program->descriptors[i].path ?: "");
	text = text_buffer_finish(&buffer);
	for (const char *c = text; *c;) {
		const char *name = image && text_starts_with(c, image)	   ? "IMAGE"
				   : source && text_starts_with(c, source) ? "SOURCE"
									   : NULL;

		text_buffer_append_bytes(&named, name ?: c, name ? strlen(name) : 1);
		c += name ? strlen(strcmp(name, "IMAGE") == 0 ? image : source) : 1;
	}
	return text_buffer_finish(&named);
}

/* The fuzzer's seeds are the golden programs: a block holds operation codes, which a new operation shifts. */
static void update_corpus(const char *name, const struct program *program)
{
	_cleanup_free_ char *path = text_format("tests/fuzz/corpus-program/%s", name);
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	EXPECT(fd >= 0 && write(fd, program->block, program->block->size) == (ssize_t)program->block->size);
}

static void compare_golden(const char *name, const struct program *program)
{
	_cleanup_free_ char *text = print_program(program), *path = text_format("tests/golden/%s.txt", name),
			    *expected = NULL;

	EXPECT(program_validate(program->block, program->block->size) == 0);
	if (getenv("UPDATE_GOLDEN")) {
		write_file(path, text, 0644);
		update_corpus(name, program);
		return;
	}
	EXPECT(fd_read_file_at(AT_FDCWD, path, 1 << 20, &expected) >= 0);
	EXPECT_TEXT(text, expected);
}

static char *const server_argv[] = {(char *)"server", (char *)"--port=80", NULL};
static const struct compile_command server = {.path = "/usr/bin/server", .argv = server_argv};

static const struct compile_context plain_context = {.name = "web.service", .join_pidfd = -1};
static const struct compile_context container_context = {.name = "web.service",
							 .notify_socket = "/dev/null",
							 .auto_range = 524288,
							 .in_cgroup = true,
							 .join_pidfd = -1};

static void add_mount(struct spec_mounts *mounts, enum spec_mount_kind kind, const char *from, const char *to)
{
	struct spec_mount *mount = spec_mounts_append(mounts);

	EXPECT(mount != NULL);
	mount->kind = kind;
	EXPECT(text_set(&mount->source, from) == 0 && text_set(&mount->target, to) == 0);
}

#define CAP(name) (UINT64_C(1) << CAP_##name)

static void fill_container(struct spec *spec)
{
	make_image();
	spec_init(spec);
	EXPECT(text_list_append(&spec->image_layers, image) == 0);
	spec->user_namespace = SPEC_USER_AUTO;
	spec->private_mounts = spec->private_pids = spec->private_network = spec->private_ipc =
		spec->private_hostname = true;
	spec->control_groups = SPEC_CONTROL_GROUPS_PRIVATE;
	spec->private_time = true;
	spec->time_offset_boottime = -1500000000;
	spec->seccomp_default = SPEC_SECCOMP_CONTAINER;
	spec->capability_bounding_set =
		CAP(CHOWN) | CAP(NET_BIND_SERVICE) | CAP(SETUID) | CAP(SETGID) | CAP(KILL);
	add_mount(&spec->volumes, SPEC_MOUNT_BIND, source, "/var/lib/data");
	add_mount(&spec->volumes, SPEC_MOUNT_BIND, source, "/srv/new");
}

static void fill_sandbox(struct spec *spec)
{
	spec_init(spec);
	spec->protect_system = SPEC_PROTECT_SYSTEM_STRICT;
	spec->protect_home = SPEC_PROTECT_HOME_YES;
	spec->private_tmp = SPEC_PRIVATE_TMP_YES;
	spec->private_devices = spec->protect_kernel_tunables = true;
	spec->no_new_privileges = true;
	add_mount(&spec->read_write_paths, SPEC_MOUNT_READ_WRITE, NULL, "/var");
	add_mount(&spec->read_only_paths, SPEC_MOUNT_READ_ONLY, NULL, "/var/lib");
	add_mount(&spec->read_write_paths, SPEC_MOUNT_READ_WRITE, NULL, "/var/lib/x");
	add_mount(&spec->no_exec_paths, SPEC_MOUNT_NO_EXEC, NULL, "/");
	add_mount(&spec->exec_paths, SPEC_MOUNT_EXEC, NULL, "/usr");
	EXPECT(text_list_append(&spec->system_call_filter.names, "@system-service") == 0);
	spec->system_call_filter.allow_list = true;
	spec->memory_deny_write_execute = spec->restrict_suid_sgid = true;
}

static void compile_golden(const char *name, const struct spec *spec, const struct compile_command *command,
			   const struct compile_context *context)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct failure failure = {};
	int r = compile(spec, command, context, &program, &failure, NULL, NULL);

	if (r < 0)
		printf("# %s\n", failure.text);
	EXPECT(r == 0);
	compare_golden(name, program);
}

TEST(plain_service_is_a_handful_of_operations)
{
	struct spec spec;

	spec_init(&spec);
	compile_golden("plain", &spec, &server, &plain_context);
	spec_deinit(&spec);
}

TEST(container)
{
	struct spec spec;

	fill_container(&spec);
	EXPECT(text_set(&spec.user, "redis") == 0);
	compile_golden("container", &spec, &server, &container_context);
	spec_deinit(&spec);
}

TEST(container_exec_joins)
{
	struct compile_context context = container_context;
	struct spec spec;

	context.join_pidfd = 100;
	fill_container(&spec);
	compile_golden("container-exec", &spec, &server, &context);
	spec_deinit(&spec);
}

TEST(sandbox_on_the_host_tree)
{
	struct spec spec;

	fill_sandbox(&spec);
	compile_golden("sandbox", &spec, &server, &plain_context);
	spec_deinit(&spec);
}

/* What the launch opens is not judged: until all that is left to come needs no file but the command. */
TEST(a_filter_of_files_lets_the_launch_pass)
{
	struct spec spec;

	spec_init(&spec);
	spec.private_tmp = true;
	spec.oom_score_adjust = 5;
	spec.oom_score_adjust_set = true;
	spec.filters = calloc(1, sizeof *spec.filters);
	EXPECT(spec.filters && text_list_append(&spec.filters->file_systems, "ext4") == 0);
	compile_golden("file-systems", &spec, &server, &plain_context);
	spec_deinit(&spec);
}

/* Where no machine has anything: what is missing on the host's tree is made. */
static char *const bases[] = {(char *)"/nonexistent/run", (char *)"/nonexistent/lib",
			      (char *)"/nonexistent/cache", (char *)"/nonexistent/log",
			      (char *)"/nonexistent/etc"};

static void append(char ***list, const char *item)
{
	EXPECT(text_list_append(list, item) == 0);
}

static void fill_keeper(struct spec *spec)
{
	append(&spec->directories[SPEC_DIRECTORY_STATE], "web:alias");
	append(&spec->directories[SPEC_DIRECTORY_STATE], "web/inner::ro");
	append(&spec->directories[SPEC_DIRECTORY_RUNTIME], "web");
	append(&spec->directories[SPEC_DIRECTORY_CONFIGURATION], "web");
	append(&spec->credentials[SPEC_CREDENTIAL_SET], "key:never\\x20shown");
	append(&spec->credentials[SPEC_CREDENTIAL_LOAD], "null:/dev/null");
}

static struct compile_context keeper_context(void)
{
	struct compile_context context = plain_context;

	context.directories = (const char *const *)bases;
	context.credentials_directory = "/nonexistent/credentials/web.service";
	return context;
}

/* What a dynamic user keeps, on the host's tree. */
TEST(what_a_service_keeps)
{
	struct compile_context context = keeper_context();
	struct spec spec;

	spec_init(&spec);
	fill_keeper(&spec);
	spec.dynamic_user = true;
	EXPECT(text_set(&spec.user, "web") == 0);
	spec.protect_system = SPEC_PROTECT_SYSTEM_STRICT;
	context.dynamic_uid = 61234;
	context.dynamic_passwd = "/nonexistent/users/web.service.passwd";
	context.dynamic_group = "/nonexistent/users/web.service.group";
	compile_golden("keeper", &spec, &server, &context);
	spec_deinit(&spec);
}

/* The same in a container with ids of its own. */
TEST(what_a_container_keeps)
{
	struct compile_context context = keeper_context();
	struct spec spec;

	fill_container(&spec);
	fill_keeper(&spec);
	context.auto_range = 524288;
	compile_golden("container-keeper", &spec, &server, &context);
	spec_deinit(&spec);
}

/* Without anything asked for nothing is done: see plain.txt. Nowhere to put it is told. */
TEST(a_directory_needs_a_place)
{
	struct spec spec;
	struct program *program = NULL;
	struct failure failure = {};
	uint32_t origin;
	uint16_t item;

	spec_init(&spec);
	append(&spec.directories[SPEC_DIRECTORY_LOGS], "web");
	EXPECT(compile(&spec, &server, &plain_context, &program, &failure, &origin, &item) == -EOPNOTSUPP);
	EXPECT(compile_exit_status(origin) == 240);
	spec_deinit(&spec);
	spec_init(&spec);
	append(&spec.credentials[SPEC_CREDENTIAL_LOAD], "key:/nonexistent/key");
	EXPECT(compile(&spec, &server,
		       &(struct compile_context){
			       .name = "web", .join_pidfd = -1, .credentials_directory = "/c/web"},
		       &program, &failure, &origin, &item) == -ENOENT);
	EXPECT(compile_exit_status(origin) == 243);
	spec_deinit(&spec);
}

TEST(full_privileges_have_no_isolation)
{
	struct compile_command command = server;
	struct spec spec;

	command.full_privileges = true;
	fill_container(&spec);
	compile_golden("full-privileges", &spec, &command, &container_context);
	spec_deinit(&spec);
}

static uint32_t compile_uid(const struct spec *spec, const struct compile_command *command)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct failure failure = {};

	EXPECT(compile(spec, command, &container_context, &program, &failure, NULL, NULL) == 0);
	return program->uid;
}

TEST(the_user_as_the_host_sees_it)
{
	struct compile_command privileged = server, no_setuid = server;
	struct spec spec;

	privileged.full_privileges = no_setuid.no_setuid = true;
	spec_init(&spec);
	EXPECT(compile_uid(&spec, &server) == 0);
	EXPECT(text_set(&spec.user, "5555") == 0);
	EXPECT(compile_uid(&spec, &server) == 5555);
	EXPECT(compile_uid(&spec, &privileged) == 5555);
	spec_deinit(&spec);

	fill_container(&spec);
	EXPECT(text_set(&spec.user, "redis") == 0);
	EXPECT(compile_uid(&spec, &server) == container_context.auto_range + 104);
	EXPECT(compile_uid(&spec, &no_setuid) == container_context.auto_range + 104);
	spec_deinit(&spec);
}

TEST(the_upper_directory_is_made)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct compile_context context = container_context;
	_cleanup_free_ char *text = NULL;
	struct failure failure = {};
	struct spec spec;

	context.state_directory = "/nonexistent/state";
	fill_container(&spec);
	spec.upper = SPEC_UPPER_PERSISTENT;
	EXPECT(compile(&spec, &server, &context, &program, &failure, NULL, NULL) == 0);
	EXPECT(program_validate(program->block, program->block->size) == 0);
	text = print_program(program);
	EXPECT(strstr(text, "\nmake-directory /nonexistent/state/web.service mode=0700\nmount-overlay "));
	spec_deinit(&spec);
}

TEST(passed_sockets_come_last)
{
	struct compile_context context = container_context;
	struct spec spec;

	context.n_passed = 2;
	spec_init(&spec);
	add_mount(&spec.bind_paths, SPEC_MOUNT_BIND, "/dev/null", "/dev/zero");
	compile_golden("passed-sockets", &spec, &server, &context);
	spec_deinit(&spec);
}

/* --- what must not compile --------------------------------------------------------------------------- */

static void expect_failure(struct spec *spec, const struct compile_command *command, int error,
			   uint32_t origin, const char *text)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct failure failure = {};
	uint32_t at = 0;
	int r = compile(spec, command, &container_context, &program, &failure, &at, NULL);

	if (r != error || at != origin)
		printf("# %d at %u: %s\n", r, at, failure.text);
	EXPECT(r == error);
	EXPECT(at == origin);
	EXPECT_TEXT(failure.text, text);
	spec_deinit(spec);
}

TEST(unknown_user)
{
	struct spec spec;

	fill_container(&spec);
	EXPECT(text_set(&spec.user, "nobody2") == 0);
	expect_failure(&spec, &server, -ESRCH, offsetof(struct spec, user),
		       "user \"nobody2\" not found in /etc/passwd");
	EXPECT(compile_exit_status(offsetof(struct spec, user)) == 217);
}

TEST(unknown_group)
{
	struct spec spec;

	fill_container(&spec);
	EXPECT(text_list_append(&spec.supplementary_groups, "wheel2") == 0);
	expect_failure(&spec, &server, -ESRCH, offsetof(struct spec, supplementary_groups),
		       "group \"wheel2\" not found in /etc/group");
	EXPECT(compile_exit_status(offsetof(struct spec, supplementary_groups)) == 216);
}

TEST(unknown_system_call)
{
	struct spec spec;

	fill_container(&spec);
	EXPECT(text_list_append(&spec.system_call_filter.names, "~moutn") == 0);
	expect_failure(&spec, &server, -EINVAL, offsetof(struct spec, system_call_filter),
		       "\"moutn\" is no system call; did you mean \"mount\"?");
	EXPECT(compile_exit_status(offsetof(struct spec, system_call_filter)) == 228);
}

TEST(missing_volume_source)
{
	struct spec spec;

	fill_container(&spec);
	add_mount(&spec.volumes, SPEC_MOUNT_BIND, "/nonexistent/a", "/a");
	expect_failure(&spec, &server, -ENOENT, offsetof(struct spec, volumes),
		       "mount source /nonexistent/a");
	EXPECT(compile_exit_status(offsetof(struct spec, volumes)) == 226);
}

TEST(layers_inside_one_another)
{
	_cleanup_free_ char *inner = NULL, *text = NULL;

	for (int i = 0; i < 2; i++) {
		struct spec spec;

		fill_container(&spec);
		text_set(&inner, NULL);
		text_set(&text, NULL);
		inner = text_format("%s%s", image, i == 0 ? "/usr/bin" : "/usr/..");
		text = text_format(
			"image layer %s lies inside the layer %s, on one file system: overlayfs cannot stack a directory on "
			"its own ancestor. Mount or copy one of the two elsewhere",
			i == 0 ? inner : image, i == 0 ? image : inner);
		EXPECT(text && text_list_append(&spec.image_layers, source) == 0 &&
		       text_list_append(&spec.image_layers, inner) == 0);
		expect_failure(&spec, &server, -EINVAL, offsetof(struct spec, image_layers), text);
	}
}

TEST(an_upper_directory_in_one_that_is_missing)
{
	struct spec spec;

	fill_container(&spec);
	spec.upper = SPEC_UPPER_PERSISTENT;
	EXPECT(text_set(&spec.upper_directory, "/nonexistent/upper") == 0);
	expect_failure(&spec, &server, -ENOENT, offsetof(struct spec, upper_directory),
		       "the upper directory's parent /nonexistent");
}

TEST(an_upper_directory_that_is_none)
{
	struct spec spec;

	fill_container(&spec);
	spec.upper = SPEC_UPPER_PERSISTENT;
	EXPECT(text_set(&spec.upper_directory, "/dev/null") == 0);
	expect_failure(&spec, &server, -ENOTDIR, offsetof(struct spec, upper_directory),
		       "upper directory /dev/null");
}

TEST(missing_optional_source_is_left_out)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct spec spec;

	spec_init(&spec);
	add_mount(&spec.bind_paths, SPEC_MOUNT_BIND, "/nonexistent/a", "/a");
	spec.bind_paths.items[0].ignore_missing = true;
	EXPECT(compile(&spec, &server, &plain_context, &program, NULL, NULL, NULL) == 0);
	EXPECT(program->n_descriptors == 0);
	spec_deinit(&spec);
}

TEST(bad_capability)
{
	struct spec spec;

	fill_container(&spec);
	spec.capability_bounding_set = UINT64_C(1) << 55;
	expect_failure(&spec, &server, -EINVAL, offsetof(struct spec, capability_bounding_set),
		       "capability 55 does not exist");
}

TEST(ambient_outside_bounding)
{
	struct spec spec;

	fill_container(&spec);
	spec.ambient_capabilities = CAP(SYS_TIME);
	expect_failure(&spec, &server, -EINVAL, offsetof(struct spec, ambient_capabilities),
		       "the ambient set has CAP_SYS_TIME, which the bounding set lacks");
}

TEST(two_mounts_at_one_target)
{
	struct spec spec;

	fill_container(&spec);
	add_mount(&spec.volumes, SPEC_MOUNT_BIND, "/dev", "/srv/new");
	expect_failure(&spec, &server, -EEXIST, offsetof(struct spec, volumes),
		       "two different mounts have the target /srv/new");
}

TEST(mount_below_a_masked_path)
{
	struct spec spec;

	fill_container(&spec);
	add_mount(&spec.inaccessible_paths, SPEC_MOUNT_INACCESSIBLE, NULL, "/srv");
	expect_failure(&spec, &server, -EINVAL, offsetof(struct spec, volumes),
		       "/srv/new lies below /srv, which is made inaccessible");
}

TEST(command_not_in_path)
{
	const struct compile_command command = {.path = "no-such-server", .argv = server_argv};
	struct spec spec;

	fill_container(&spec);
	expect_failure(
		&spec, &command, -ENOENT, PROGRAM_NO_ORIGIN,
		"command \"no-such-server\" not found in PATH (/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin)");
}

TEST(no_range_for_a_user_namespace)
{
	struct compile_context context = container_context;
	struct program *program = NULL;
	struct failure failure = {};
	struct spec spec;

	context.auto_range = 0;
	fill_container(&spec);
	EXPECT(compile(&spec, &server, &context, &program, &failure, NULL, NULL) == -EUSERS);
	spec_deinit(&spec);
}

/* --- details ----------------------------------------------------------------------------------------- */

static const char *last_argument(const struct program *program, unsigned index)
{
	const struct program_op *op = &program_ops(program->block)[program->block->n_ops - 1];
	const uint32_t *argv = (const uint32_t *)program_text(program->block, op->text2);

	for (unsigned i = 0; i <= index; i++)
		if (argv[i] == 0)
			return NULL;
	return program_text(program->block, argv[index]);
}

TEST(variables_in_the_command_line)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	char *const argv[] = {(char *)"$A",    (char *)"$A",	  (char *)"x${B}y", (char *)"$$A",
			      (char *)"$NONE", (char *)"${NONE}", (char *)"p$A",    NULL};
	const struct compile_command command = {.path = "server", .argv = argv, .expand = true};
	struct spec spec;

	fill_container(&spec);
	EXPECT(text_list_append(&spec.environment, "A=one 'two three'") == 0);
	EXPECT(text_list_append(&spec.environment, "B=b c") == 0);
	EXPECT(compile(&spec, &command, &container_context, &program, NULL, NULL, NULL) == 0);
	EXPECT_TEXT(last_argument(program, 0), "$A");
	EXPECT_TEXT(last_argument(program, 1), "one");
	EXPECT_TEXT(last_argument(program, 2), "two three");
	EXPECT_TEXT(last_argument(program, 3), "xb cy");
	EXPECT_TEXT(last_argument(program, 4), "$A");
	EXPECT_TEXT(last_argument(program, 5), "");
	EXPECT_TEXT(last_argument(program, 6), "p$A");
	EXPECT(last_argument(program, 7) == NULL);
	spec_deinit(&spec);
}

TEST(the_block_can_be_sealed)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	_cleanup_fd_ int fd = -1;
	struct spec spec;

	spec_init(&spec);
	EXPECT(compile(&spec, &server, &plain_context, &program, NULL, NULL, NULL) == 0);
	fd = program_seal(program);
	EXPECT(fd >= 0);
	EXPECT(lseek(fd, 0, SEEK_END) == program->block->size);
	EXPECT(ftruncate(fd, 0) < 0 && errno == EPERM);
	spec_deinit(&spec);
}

/* Whatever the kernel of the test has: what its Landlock cannot restrict is not asked for in vain. */
TEST(landlock_needs_an_abi)
{
	static const struct {
		size_t list;
		const char *value;
		int abi;
		const char *text;
	} cases[] = {
		{offsetof(struct spec_confinement, landlock_read), "/usr", 2,
		 "cannot permit renaming between directories; ABI 2 (Linux 5.19)"},
		{offsetof(struct spec_confinement, landlock_write), "/var", 3,
		 "cannot restrict truncation; ABI 3 (Linux 6.2) is needed"},
		{offsetof(struct spec_confinement, landlock_bind_tcp), "80", 4,
		 "cannot restrict TCP; ABI 4 (Linux 6.7) is needed"},
		{offsetof(struct spec_confinement, landlock_connect_tcp), "none", 4,
		 "cannot restrict TCP; ABI 4"},
		{offsetof(struct spec_confinement, landlock_ioctl), "/dev/null", 5,
		 "cannot restrict ioctl(2) on devices; ABI 5 (Linux 6.10)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct failure failure = {};
		struct spec spec;
		struct build build = {.spec = &spec, .failure = &failure};

		spec_init(&spec);
		EXPECT(landlock_check(&build, -ENOSYS) == 0);
		spec.confinement = calloc(1, sizeof *spec.confinement);
		EXPECT(spec.confinement);
		EXPECT(text_list_append((char ***)((char *)spec.confinement + cases[i].list),
					cases[i].value) == 0);
		EXPECT(landlock_check(&build, cases[i].abi) == 0);
		EXPECT(landlock_check(&build, cases[i].abi - 1) == -EOPNOTSUPP);
		EXPECT(strstr(failure.text, cases[i].text) &&
		       build.origin == SPEC_CONFINEMENT_ORIGIN(cases[i].list));
		EXPECT(landlock_check(&build, -ENOSYS) == -ENOSYS);
		EXPECT_TEXT(failure.text, "the kernel has no Landlock");
		EXPECT(compile_exit_status(build.origin) == 226);
		spec.confinement->landlock_scope = 1;
		EXPECT(landlock_check(&build, 5) == -EOPNOTSUPP && landlock_check(&build, 6) == 0);
		spec_deinit(&spec);
	}
}

TEST_MAIN
