/* svc-init: arguments, and the process as it has to be before anything happens: descriptors 0..2 occupied,
 * all others close-on-exec, every signal at its default and blocked. Children inherit exactly that. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/init.h"
#include "init/say.h"

static const char main_help[] =
	"svc-init [--subreaper] [--manager=PATH] [SVCD OPTIONS…]\n"
	"svc-init [--subreaper] -- COMMAND [ARGUMENT…]\n"
	"\n"
	"The parent of every service: spawns, reaps, remembers. The first form starts the manager and\n"
	"keeps it running, the second is a plain init for one command.\n"
	"\n"
	"  --subreaper     not PID 1: be the root of a tree of processes on a host\n"
	"  --manager=PATH  the manager (default: svcd beside this program, then " SVCD_PATH ")\n"
	"  --help          this text\n"
	"  --version       the version\n"
	"\n"
	"Exit status: of the second form that of COMMAND, 128 + signal when a signal ended it, 127 when it was\n"
	"not found, 126 when it could not be executed; of the first what the manager says; 2 for wrong usage.\n";

struct main_options {
	bool subreaper;
	const char *manager;
	char *const *command; /* after "--" */
};

static int main_print(const char *text)
{
	return write(STDOUT_FILENO, text, strlen(text)) < 0;
}

/* Takes its own options out of ARGV; what is left (argv[0] first) is the manager's. Returns -1, or an exit
 * status. */
static int main_parse(int argc, char **argv, struct main_options *options)
{
	int kept = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			options->command = &argv[i + 1];
			break;
		}
		if (strcmp(argv[i], "--subreaper") == 0)
			options->subreaper = true;
		else if (strncmp(argv[i], "--manager=", strlen("--manager=")) == 0)
			options->manager = argv[i] + strlen("--manager=");
		else if (strcmp(argv[i], "--help") == 0)
			return main_print(main_help);
		else if (strcmp(argv[i], "--version") == 0)
			return main_print("svc-init " SVCD_VERSION "\n");
		else
			argv[kept++] = argv[i];
	}
	if (options->command && (!*options->command || kept > 1)) {
		say(*options->command ? "unknown option: " : "no command after --",
		    *options->command ? argv[1] : "", NULL);
		return 2;
	}
	argv[kept] = NULL;
	return -1;
}

/* In an empty image there is nothing to open; a socket nobody listens on does as well. */
static void main_occupy_streams(void)
{
	for (int fd = 0; fd < 3; fd++) {
		int opened = fd;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		opened = open("/dev/console", O_RDWR | O_NOCTTY);
		if (opened < 0)
			opened = open("/dev/null", O_RDWR);
		if (opened < 0)
			opened = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (opened >= 0 && opened != fd) {
			dup2(opened, fd);
			close(opened);
		}
	}
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

static void main_take_signals(void)
{
	sigset_t all;

	/* What the caller ignored would be ignored in every service. */
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* What whoever started us left inheritable, a service would get by a file that has it (CVE-2022-24769). Only what is ambient
 * has to stay: it is handed down anyway, for a manager that lives on such capabilities. */
static void main_clear_inheritable(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) < 0 || (sets[0].inheritable | sets[1].inheritable) == 0)
		return;
	for (unsigned i = 0; i < 64; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, (unsigned long)i, 0, 0) != 1)
			sets[i / 32].inheritable &= ~(1u << i % 32);
	syscall(SYS_capset, &header, sets);
}

/* svcd beside this program, else where it is installed. */
static const char *main_find_manager(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "svcd");
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, "svcd");
		if (access(path, X_OK) == 0)
			return path;
	}
	return SVCD_PATH;
}

static uint32_t main_mode(void)
{
	struct machine_facts facts;

	if (getpid() != 1)
		return LAUNCH_MODE_SUBREAPER;
	machine_facts(&facts);
	return machine_is_ours(&facts) ? LAUNCH_MODE_MACHINE : LAUNCH_MODE_CONTAINER;
}

int main(int argc, char **argv)
{
	static struct init init;
	struct main_options options = {};
	/* The kernel lays the strings one after the other. */
	char *title = argc > 0 ? argv[0] : NULL;
	size_t title_size = argc > 0 ? (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - title) : 0;
	int r = main_parse(argc, argv, &options);

	if (r >= 0)
		return r;
	if (getpid() != 1 && !options.subreaper && !options.command) {
		say("not PID 1: --subreaper makes a tree of its own; --help", NULL);
		return 2;
	}
	main_take_signals();
	init.mode = main_mode();
	if (init.mode == LAUNCH_MODE_MACHINE)
		machine_mount_api();
	main_occupy_streams();
	if (options.command)
		return single_run(options.command, init.mode == LAUNCH_MODE_SUBREAPER);
	main_clear_inheritable();
	if (init.mode == LAUNCH_MODE_SUBREAPER && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
		say("cannot adopt orphans: ", say_error(errno), NULL);
		return 1;
	}
	if (!options.manager)
		options.manager = main_find_manager();
	argv[0] = (char *)options.manager; /* what is left in ARGV is the manager's */
	r = manager_init(&init.manager, options.manager, argv);
	if (r == 0)
		r = init_setup(&init);
	if (r < 0) {
		say("cannot start: ", say_error(r), NULL);
		return 1;
	}
	init.title = title;
	init.title_size = title_size;
	return init_run(&init);
}
