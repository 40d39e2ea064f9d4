/* Descriptors: owned ints that are -1 when absent and close-on-exec from birth. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/macros.h"

/* Closes FD if it is not negative, keeps errno, returns -1: `fd = fd_close(fd);` */
int fd_close(int fd);

static inline void fd_cleanup(int *fd)
{
	fd_close(*fd);
}
#define _cleanup_fd_ _cleanup_(fd_cleanup)

/* Reads until END or until SIZE bytes are there. Returns the number of bytes read or a negative errno. */
ssize_t fd_read_all(int fd, void *buffer, size_t size);

/* Writes all of BUFFER; returns 0 or a negative errno. */
int fd_write_all(int fd, const void *buffer, size_t size);

/* Reads a whole file of at most LIMIT bytes (-EFBIG beyond) into a NUL-terminated heap buffer that the
 * caller frees. Works for files whose size is not known beforehand (procfs, cgroupfs). PATH is relative to
 * DIRECTORY_FD (AT_FDCWD for the working directory). Returns the length or a negative errno. */
ssize_t fd_read_file_at(int directory_fd, const char *path, size_t limit, char **ret_text);

/* Opens PATH for writing without creating it and writes TEXT with one write(2): what control files want. */
int fd_write_file_at(int directory_fd, const char *path, const char *text);

/* Replaces the file PATH by one with this content: temporary file beside it, then rename(2). MODE as open(2).
 */
int fd_replace_file_at(int directory_fd, const char *path, const void *data, size_t size, mode_t mode);

/* Creates PATH and its missing parents with MODE. An existing directory is success. */
int fd_make_directories(const char *path, mode_t mode);

/* One SOCK_SEQPACKET message with descriptors. N_FDS at most FD_MESSAGE_MAX. The descriptors are not
 * consumed. Returns 0, -EAGAIN when the socket is full, or another negative errno. */
#define FD_MESSAGE_MAX 253
int fd_send_message(int socket_fd, const void *data, size_t size, const int *fds, size_t n_fds);

/* Receives one message. Received descriptors (close-on-exec) go to FDS, which has room for MAX_FDS; the
 * caller owns them. Returns the number of bytes, 0 at the end of the connection, -EAGAIN, -EMSGSIZE when
 * data or descriptors were cut off (everything received is closed), or another negative errno. */
ssize_t fd_receive_message(int socket_fd, void *data, size_t size, int *fds, size_t max_fds,
			   size_t *ret_n_fds);
