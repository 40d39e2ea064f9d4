/* Device nodes of a control group that may not have all of them. The nodes are made outside (or here, with
 * "make"): what is looked at is whether the kernel lets them be made and opened. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Opens PATH for r, w or rw and expects "ok" or the name of an error. A device without driver (ENXIO) counts as
 * opened: what was asked is behind the filter. */
static int device_open(char **words, int n _unused_)
{
	int flags = strcmp(words[1], "rw") == 0 ? O_RDWR : *words[1] == 'w' ? O_WRONLY : O_RDONLY;
	int fd = open(words[0], flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *found = fd >= 0 || errno == ENXIO || errno == ENODEV ? "ok" : strerrorname_np(errno);

	if (fd >= 0)
		close(fd);
	return guest_expect_text(words[0], words[2], found);
}

/* Makes PATH as c:MAJOR:MINOR or b:MAJOR:MINOR and expects "ok" or the name of an error. */
static int device_make(char **words, int n _unused_)
{
	unsigned device_major = 0, device_minor = 0;
	char type = 0;

	if (sscanf(words[1], "%c:%u:%u", &type, &device_major, &device_minor) != 3)
		return guest_failed("make-device", "c:MAJOR:MINOR", "%s", words[1]);
	return guest_expect_text(words[0], words[2],
				 mknod(words[0], (type == 'b' ? S_IFBLK : S_IFCHR) | 0600,
				       makedev(device_major, device_minor)) == 0
					 ? "ok"
					 : strerrorname_np(errno));
}

const struct guest_verb device_verbs[] = {
	{"open", 3, 3, device_open, "PATH r|w|rw ok|ERRNO"},
	{"make-device", 3, 3, device_make, "PATH c|b:MAJOR:MINOR ok|ERRNO"},
	{},
};
