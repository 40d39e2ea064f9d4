/* svcd: the manager's process. Reads options, ties the real world to the bus face, starts the default unit
 * and sleeps in the loop. It may be killed at any instant: svc-init starts it again, and it continues from
 * svc-init's table and its own state file. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/fd.h"
#include "dbus/bus.h"
#include "svcd/verify.h"

struct main_options {
	struct host_options host;
	const char *default_unit; /* NULL: default.target, if there is one */
	const char *systemd_socket;
	bool verify;
};

static void main_help(void)
{
	puts("svcd [OPTIONS…]            (started by svc-init)\n"
	     "svcd --verify FILE…        check unit files\n\n"
	     "The manager of svcd: reads unit files, decides what runs, answers svcctl.\n\n"
	     "  --unit-path=DIR[:DIR…]   where unit files are (replaces the default path)\n"
	     "  --runtime-dir=DIR        sockets, logs, state; goes with a reboot (default /run/svcd)\n"
	     "  --state-dir=DIR          what stays (default /var/lib/svcd)\n"
	     "  --default-unit=UNIT      what is started first (default default.target)\n"
	     "  --cgroup-root=DIR        the part of a cgroup v2 hierarchy to use (default: the own cgroup)\n"
	     "  --serve-systemd=SOCKET   also answer systemd's clients there (/run/systemd/private)\n"
	     "  --log-level=LEVEL        0 (emergency) … 7 (debug), default 5\n"
	     "  --version, --help");
}

/* Returns 0, or an exit status + 1. */
static int main_parse(int argc, char **argv, struct main_options *options)
{
	enum { UNIT_PATH = 256, RUNTIME, STATE, DEFAULT_UNIT, CGROUP, SYSTEMD, LOG, VERIFY, VERSION };
	static const struct option table[] = {
		{"unit-path", required_argument, NULL, UNIT_PATH},
		{"runtime-dir", required_argument, NULL, RUNTIME},
		{"state-dir", required_argument, NULL, STATE},
		{"default-unit", required_argument, NULL, DEFAULT_UNIT},
		{"cgroup-root", required_argument, NULL, CGROUP},
		{"serve-systemd", required_argument, NULL, SYSTEMD},
		{"log-level", required_argument, NULL, LOG},
		{"verify", no_argument, NULL, VERIFY},
		{"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, 'h'},
		{},
	};

	for (int option; (option = getopt_long(argc, argv, "h", table, NULL)) != -1;)
		switch (option) {
		case UNIT_PATH:
			options->host.unit_path = optarg;
			break;
		case RUNTIME:
			options->host.runtime_directory = optarg;
			break;
		case STATE:
			options->host.state_directory = optarg;
			break;
		case DEFAULT_UNIT:
			options->default_unit = optarg;
			break;
		case CGROUP:
			options->host.cgroup_root = optarg;
			break;
		case SYSTEMD:
			options->systemd_socket = optarg;
			break;
		case LOG:
			if (strlen(optarg) != 1 || *optarg < '0' || *optarg > '7') {
				fprintf(stderr, "svcd: --log-level=%s: not a number from 0 to 7\n", optarg);
				return EXIT_FAILURE + 1;
			}
			options->host.log_level = *optarg - '0';
			break;
		case VERIFY:
			options->verify = true;
			break;
		case VERSION:
			puts("svcd " SVCD_VERSION);
			return EXIT_SUCCESS + 1;
		case 'h':
			main_help();
			return EXIT_SUCCESS + 1;
		default:
			return EXIT_FAILURE + 1;
		}
	return 0;
}

static int main_report(const struct failure *failure)
{
	char text[1024];

	fprintf(stderr, "<%d>svcd: %s\n", LOG_ERR, failure_print(failure, text, sizeof text));
	return EXIT_FAILURE;
}

/* svc-init hands its socket over by number; a svcd that nobody handed one is of no use. */
static int main_init_fd(struct failure *failure)
{
	const char *text = getenv(LAUNCH_FD_ENVIRONMENT);
	char *end;
	long fd;
	struct stat status;

	if (!text)
		return failure_set(failure, -EINVAL, NULL,
				   "is started by svc-init, which sets " LAUNCH_FD_ENVIRONMENT
				   "; see svcd --help");
	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || *end || fd < 3 || fd > INT_MAX || fstat((int)fd, &status) < 0 ||
	    !S_ISSOCK(status.st_mode))
		return failure_set(failure, -EBADF, LAUNCH_FD_ENVIRONMENT, "'%s' is no socket", text);
	unsetenv(LAUNCH_FD_ENVIRONMENT);
	return (int)fd;
}

/* Every running service costs descriptors; the services' own limits are set in their launch programs. */
static void main_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Starts what the tree is for. A default unit that does not exist is an error only when it was asked for. */
static void main_start_default(struct host *host, const char *name)
{
	struct manager *manager = host_manager(host);
	struct failure failure = {};
	struct unit *unit;
	int r = manager_load_unit(manager, name ? name : "default.target", &unit, &failure);

	if (r == 0 && !name && unit->config->load_state == UNIT_NOT_FOUND)
		return;
	if (r == 0)
		r = manager_enqueue(manager, JOB_START, unit, JOB_REPLACE, NULL, &failure);
	if (r < 0)
		fprintf(stderr, "<%d>svcd: %s%s%s\n", LOG_ERR, failure.where, failure.where[0] ? ": " : "",
			failure.text);
	host_wake(host);
}

static int main_serve_systemd(struct bus *bus, struct host *host, const char *path, struct failure *failure)
{
	if (!path && host_init_mode(host) == LAUNCH_MODE_MACHINE) {
		/* What sd_booted(3) looks for. */
		if (fd_make_directories("/run/systemd/system", 0755) < 0)
			return 0;
		path = "/run/systemd/private";
	}
	return path ? bus_serve_systemd(bus, path, failure) : 0;
}

static int main_run(const struct main_options *options, struct failure *failure)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(cleanup_host_free) struct host *host = NULL;
	_cleanup_(cleanup_bus_free) struct bus *bus = NULL;
	int r = sd_event_new(&event);

	if (r >= 0)
		r = bus_new(event, &bus);
	if (r < 0)
		return failure_set(failure, r, NULL, "cannot set up the event loop");
	r = host_new(&options->host, event, bus_observer(bus), &host, failure);
	if (r == 0)
		r = bus_serve(bus, host, options->host.runtime_directory, failure);
	if (r == 0)
		r = main_serve_systemd(bus, host, options->systemd_socket, failure);
	if (r < 0)
		return r;
	if (bus_system_failure(bus)->error && options->host.log_level >= LOG_INFO)
		main_report(bus_system_failure(bus));
	if (host_first_start(host))
		main_start_default(host, options->default_unit);
	r = sd_event_loop(event);
	bus_flush(bus);
	bus = bus_free(bus); /* before the host it serves */
	return r < 0 ? failure_set(failure, r, NULL, "the event loop failed") : r;
}

int main(int argc, char **argv)
{
	struct main_options options = {.host = {.runtime_directory = "/run/svcd",
						.state_directory = "/var/lib/svcd",
						.log_level = LOG_NOTICE}};
	struct failure failure = {};
	int r = main_parse(argc, argv, &options);

	if (r > 0)
		return r - 1;
	if (options.verify)
		return verify_files(argv + optind);
	if (optind < argc) {
		fprintf(stderr, "svcd: unexpected argument '%s'\n", argv[optind]);
		return EXIT_FAILURE;
	}
	options.host.init_fd = main_init_fd(&failure);
	if (options.host.init_fd < 0)
		return main_report(&failure);
	signal(SIGPIPE, SIG_IGN);
	main_raise_descriptor_limit();
	r = main_run(&options, &failure);
	return r < 0 ? main_report(&failure) : r;
}
