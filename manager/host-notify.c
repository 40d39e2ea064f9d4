/* sd_notify(3): a datagram socket per unit that asks for one, DIRECTORY/notify/UNIT, so that the socket
 * itself says whose message it is and no process has to be looked up. svc-init holds it too: messages sent
 * while the manager restarts wait in it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "manager/host-private.h"

enum { HOST_NOTIFY_MESSAGE_MAX = 4096 };

char *host_notify_path(const struct host *host, const char *unit)
{
	return text_format("%s/notify/%s", host->runtime_directory, unit);
}

/* A sender that has ended since is nobody's process any more: then its user must be the service's, or one that only the service's user
 * namespace has, or root. */
static bool host_notify_was_member(const struct host_unit *unit, const struct ucred *sender)
{
	enum { RANGES = 524288, RANGE_SIZE = 65536 };

	if (sender->pid <= 0 || kill(sender->pid, 0) == 0 || errno != ESRCH)
		return false;
	if (sender->uid == 0 || sender->uid == unit->uid)
		return true;
	return unit->uid >= RANGES && unit->uid / RANGE_SIZE == sender->uid / RANGE_SIZE;
}

/* One datagram. Returns false when there is none. Descriptors that come along (FDSTORE=, BARRIER=) are
 * closed, which is what a barrier waits for. */
static bool host_notify_receive(struct host_unit *unit)
{
	char text[HOST_NOTIFY_MESSAGE_MAX + 1];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
	} control;
	struct iovec vector = {text, HOST_NOTIFY_MESSAGE_MAX};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	struct ucred credentials = {};
	ssize_t n = recvmsg(unit->notify_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EINTR;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
		for (size_t i = 0;
		     c->cmsg_type == SCM_RIGHTS && i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			fd_close(fd);
		}
	}
	if (message.msg_flags & MSG_TRUNC || memchr(text, '\0', (size_t)n))
		return true; /* over-long or with a NUL: not a message at all */
	if (!host_cgroup_is_member(unit, credentials.pid) && !host_notify_was_member(unit, &credentials))
		return true; /* the socket is open to every user, as the service may run as any */
	text[n] = '\0';
	manager_on_notify(unit->host->manager, unit->name, credentials.pid, text);
	return true;
}

/* Bounded: a service that floods its socket slows down only itself. */
void host_notify_drain(struct host_unit *unit)
{
	for (int i = 0; i < 16 && unit->notify_fd >= 0 && host_notify_receive(unit); i++)
		;
}

/* While svc-init has not told which process a launch is, nobody can tell whether a message is from it: it waits, and
 * host_init_on_record() takes it in. */
static int host_notify_on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
			     void *data)
{
	struct host_unit *unit = data;

	if (unit->n_unnamed > 0)
		return sd_event_source_set_enabled(unit->notify_source, SD_EVENT_OFF);
	host_notify_drain(unit);
	host_wake(unit->host);
	return 0;
}

int host_notify_attach(struct host_unit *unit, int fd)
{
	int r = sd_event_add_io(unit->host->event, &unit->notify_source, fd, EPOLLIN, host_notify_on_io,
				unit);

	if (r < 0) {
		fd_close(fd);
		return r;
	}
	unit->notify_fd = fd;
	/* Before svc-init's records: READY=1 of a process that ended at once must be seen before its end. */
	return sd_event_source_set_priority(unit->notify_source, SD_EVENT_PRIORITY_NORMAL - 10);
}

int host_notify_open(struct host_unit *unit)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_free_ char *path = host_notify_path(unit->host, unit->name);
	_cleanup_fd_ int fd = -1;
	int on = 1;

	if (unit->notify_fd >= 0)
		return 0;
	if (!path)
		return -ENOMEM;
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	/* Reachable only for who is shown the path; any user the service runs as may write. */
	if (chmod(path, 0666) < 0)
		return -errno;
	return host_notify_attach(unit, TAKE_FD(fd));
}

void host_notify_close(struct host_unit *unit)
{
	_cleanup_free_ char *path = NULL;

	if (unit->notify_fd < 0)
		return;
	path = host_notify_path(unit->host, unit->name);
	if (path)
		unlink(path);
	unit->notify_source = sd_event_source_disable_unref(unit->notify_source);
	unit->notify_fd = fd_close(unit->notify_fd);
}
