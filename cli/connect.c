/* The way to the manager: its private socket, or the system bus when there is no such socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"

#define CONNECT_SYSTEM_BUS "/run/dbus/system_bus_socket"

static int connect_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int fd = -1;

	if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= (int)sizeof address.sun_path)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int connect_private(struct cli *cli, const char *path)
{
	sd_bus *_cleanup_(sd_bus_unrefp) bus = NULL;
	int fd = connect_socket(path), r;

	if (fd < 0)
		return fd;
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	r = sd_bus_negotiate_fds(bus, true);
	if (r >= 0)
		r = sd_bus_set_trusted(bus, true);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		return r;
	cli->bus = TAKE(bus);
	return 0;
}

/* Is there a system bus, and on it the manager? */
static int connect_system(struct cli *cli)
{
	sd_bus *_cleanup_(sd_bus_flush_close_unrefp) bus = NULL;
	int r;

	if (!getenv("DBUS_SYSTEM_BUS_ADDRESS") && access(CONNECT_SYSTEM_BUS, F_OK) < 0)
		return -errno;
	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_get_name_creds(bus, NAMES_SERVICE, 0, NULL);
	if (r < 0)
		return r;
	cli->bus = TAKE(bus);
	cli->is_system_bus = true;
	return 0;
}

int connect_manager(struct cli *cli)
{
	const char *directory = cli->runtime_directory;
	_cleanup_free_ char *path = NULL;
	bool chosen;
	int r;

	if (!directory)
		directory = getenv(NAMES_RUNTIME_ENVIRONMENT);
	chosen = directory != NULL; /* another tree's manager is no substitute for the one that was named */
	path = text_format("%s/" NAMES_PRIVATE_SOCKET, directory ? directory : NAMES_DEFAULT_RUNTIME);
	if (!path)
		return CLI_FAILED;
	r = connect_private(cli, path);
	if (r < 0 && !chosen && connect_system(cli) >= 0)
		return 0;
	if (r == 0)
		return 0;
	if (chosen)
		fprintf(stderr, "svcctl: cannot reach svcd at %s: %s; is svc-init running?\n", path,
			strerror(-r));
	else
		fprintf(stderr,
			"svcctl: cannot reach svcd at %s: %s, nor as %s on the system bus; is svc-init running? "
			"(set " NAMES_RUNTIME_ENVIRONMENT " or --runtime-dir)\n",
			path, strerror(-r), NAMES_SERVICE);
	return CLI_FAILED;
}
