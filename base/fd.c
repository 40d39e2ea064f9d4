/* See fd.h. Every function here retries on EINTR and none allocates except fd_read_file_at(). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

int fd_close(int fd)
{
	int saved = errno;

	/* close(2) on Linux releases the descriptor even when it reports EINTR or an I/O error. */
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

ssize_t fd_read_all(int fd, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buffer + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_all(int fd, const void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, (const char *)buffer + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

ssize_t fd_read_file_at(int directory_fd, const char *path, size_t limit, char **ret_text)
{
	_cleanup_fd_ int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	size_t room = 4096, length = 0;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	/* Its end would come when somebody else likes. */
	if (S_ISFIFO(status.st_mode))
		return -ESPIPE;
	for (;;) {
		char *larger = realloc(text, room + 1);
		ssize_t n;

		if (!larger)
			return -ENOMEM;
		text = larger;
		n = fd_read_all(fd, text + length, room - length);
		if (n < 0)
			return n;
		length += (size_t)n;
		if (length < room)
			break;
		if (room > limit)
			return -EFBIG;
		room *= 2;
	}
	if (length > limit)
		return -EFBIG;
	text[length] = '\0';
	*ret_text = TAKE(text);
	return (ssize_t)length;
}

int fd_write_file_at(int directory_fd, const char *path, const char *text)
{
	_cleanup_fd_ int fd = openat(directory_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t size = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

int fd_replace_file_at(int directory_fd, const char *path, const void *data, size_t size, mode_t mode)
{
	char temporary[PATH_MAX];
	int fd, r;

	if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
		return -ENAMETOOLONG;
	fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, size);
	fd_close(fd);
	if (r == 0 && renameat(directory_fd, temporary, directory_fd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(directory_fd, temporary, 0);
	return r;
}

int fd_make_directories(const char *path, mode_t mode)
{
	char partial[PATH_MAX];
	size_t length = strlen(path);

	if (length == 0 || length >= sizeof partial)
		return length ? -ENAMETOOLONG : -EINVAL;
	memcpy(partial, path, length + 1);
	for (char *slash = partial + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(partial, mode) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(partial, mode) < 0) {
		struct stat status;

		if (errno != EEXIST)
			return -errno;
		if (stat(partial, &status) < 0)
			return -errno;
		if (!S_ISDIR(status.st_mode))
			return -ENOTDIR;
	}
	return 0;
}

int fd_send_message(int socket_fd, const void *data, size_t size, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
	} control;
	struct iovec vector = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t n;

	if (n_fds > FD_MESSAGE_MAX)
		return -E2BIG;
	if (n_fds > 0) {
		control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS,
						  .cmsg_len = CMSG_LEN(sizeof(int) * n_fds)};
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	}
	do
		n = sendmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EMSGSIZE;
}

ssize_t fd_receive_message(int socket_fd, void *data, size_t size, int *fds, size_t max_fds,
			   size_t *ret_n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
	} control;
	struct iovec vector = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	bool cut = false;
	size_t n_fds = 0;
	ssize_t n;

	do
		n = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	cut = message.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		size_t here;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
			if (n_fds < max_fds)
				fds[n_fds++] = fd;
			else {
				fd_close(fd);
				cut = true;
			}
		}
	}
	if (cut) {
		while (n_fds > 0)
			fd_close(fds[--n_fds]);
		return -EMSGSIZE;
	}
	*ret_n_fds = n_fds;
	return n;
}
