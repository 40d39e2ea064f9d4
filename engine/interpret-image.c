/* The interpreter's steps for disk images: a loop device, perhaps checked by dm-verity, with a file system on it.
 *
 * Nothing has to be cleaned up, whatever happens to us: a loop device with LO_FLAGS_AUTOCLEAR goes with its last
 * user, and so does a device-mapper device whose removal was ordered at once, to be done later. The last user is the
 * mount, which goes with the mount namespace.
 *
 * Two loop devices on one file, one of them writable, would be two caches of one file system. So whoever attaches an
 * image locks it, readers shared and a writer alone, by flock(2) on the very description that the loop device
 * keeps: the lock lives exactly as long as the device. Who finds it taken shares the device that is there (an
 * ExecStop= beside the main process), or waits, with a bound, for one that is just going (the same unit's
 * restart).
 *
 * Where the host's /dev lacks a node, one of our own serves, on a file system that nobody else sees. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

enum {
	INTERPRET_IMAGE_TRIES = 2500,	/* of 2 ms each, for a device that is going */
	INTERPRET_IMAGE_DEVICES = 4096, /* loop devices looked through at most */
	INTERPRET_IMAGE_GAPS = 64,	/* numbers without a node, one after the other, that end the search */
	INTERPRET_IMAGE_LOOP_MAJOR = 7, /* Documentation/admin-guide/devices.txt */
	INTERPRET_IMAGE_LOOP_CONTROL = 237,
	INTERPRET_IMAGE_MAPPER_CONTROL = 236,
};

/* A directory that nobody sees, holding one device node called "device". */
static int interpret_image_node(mode_t type, dev_t device)
{
	_cleanup_fd_ int directory = interpret_mounts_new("tmpfs", "mode=700,size=4k,nr_inodes=4",
							  PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_EXEC);

	if (directory < 0)
		return directory;
	if (mknodat(directory, "device", type | 0600, device) < 0)
		return -errno;
	return TAKE_FD(directory);
}

/* Opens the node PATH of the host, or, where there is none, one of our own. */
static int interpret_image_open(const char *path, mode_t type, dev_t device, int flags)
{
	_cleanup_fd_ int directory = -1;
	struct stat status;
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0 &&
	    (fstat(fd, &status) < 0 || (status.st_mode & S_IFMT) != type || status.st_rdev != device))
		fd = fd_close(fd);
	if (fd >= 0)
		return fd;
	directory = interpret_image_node(type, device);
	if (directory < 0)
		return directory;
	fd = openat(directory, "device", flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* --- loop devices ------------------------------------------------------------------------------------ */

static void interpret_image_append_number(char *text, uint64_t number)
{
	char digits[21], *end = text + strlen(text);
	int n = 0;

	for (; n == 0 || number; number /= 10)
		digits[n++] = (char)('0' + number % 10);
	while (n > 0)
		*end++ = digits[--n];
	*end = '\0';
}

static int interpret_image_open_loop(unsigned number, int flags)
{
	char path[32] = "/dev/loop";

	interpret_image_append_number(path, number);
	return interpret_image_open(path, S_IFBLK, makedev(INTERPRET_IMAGE_LOOP_MAJOR, number), flags);
}

static int interpret_image_attach(const struct program_op *op, int fd)
{
	bool read_only = op->flags & PROGRAM_MOUNT_READ_ONLY;
	struct loop_config config = {
		.fd = (uint32_t)fd,
		.block_size = op->flags & PROGRAM_LOOP_LARGE ? 4096 : 0,
		.info.lo_offset = op->number,
		.info.lo_sizelimit = op->number2,
		/* Direct I/O keeps what is written from being cached twice; what is only read stays in the cache from
		 * one start to the next because it is not the loop device's. */
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : LO_FLAGS_DIRECT_IO),
	};
	_cleanup_fd_ int control = interpret_image_open("/dev/loop-control", S_IFCHR,
							makedev(10, INTERPRET_IMAGE_LOOP_CONTROL), O_RDWR);

	if (control < 0)
		return control;
	/* Another process may take the free device before we do. */
	for (int tries = 0; tries < 64; tries++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), device;

		if (number < 0)
			return -errno;
		device = interpret_image_open_loop((unsigned)number, read_only ? O_RDONLY : O_RDWR);
		if (device < 0)
			return device;
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
			return device;
		fd_close(device);
		if (errno != EBUSY)
			return -errno;
	}
	return -EBUSY;
}

/* The device that has the same part of the same file attached; -ENOENT. */
static int interpret_image_find(const struct program_op *op, const struct stat *image)
{
	int gaps = 0;

	for (unsigned i = 0; i < INTERPRET_IMAGE_DEVICES && gaps < INTERPRET_IMAGE_GAPS; i++) {
		struct loop_info64 info;
		int device = interpret_image_open_loop(i, O_RDONLY);

		if (device < 0) {
			gaps++;
			continue;
		}
		gaps = 0;
		if (ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == image->st_ino &&
		    info.lo_device == image->st_dev && info.lo_offset == op->number &&
		    info.lo_sizelimit == op->number2 &&
		    !((info.lo_flags & LO_FLAGS_READ_ONLY) && !(op->flags & PROGRAM_MOUNT_READ_ONLY)))
			return device;
		fd_close(device);
	}
	return -ENOENT;
}

int interpret_image_loop(struct interpret_run *run, const struct program_op *op)
{
	int fd = run->descriptors[op->fd], lock = op->flags & PROGRAM_MOUNT_READ_ONLY ? LOCK_SH : LOCK_EX;
	const struct timespec pause = {.tv_nsec = 2000000};
	struct stat image;
	int device = -EBUSY;

	if (fstat(fd, &image) < 0)
		return -errno;
	if (S_ISBLK(image.st_mode) && op->number == 0 && op->number2 == 0) {
		device = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (device < 0)
			return -errno;
	}
	for (int tries = 0; device < 0 && tries < INTERPRET_IMAGE_TRIES; tries++) {
		if (syscall(SYS_flock, fd, lock | LOCK_NB) == 0) {
			device = interpret_image_attach(op, fd);
			if (device < 0)
				return device;
			break;
		}
		if (errno != EWOULDBLOCK)
			return -errno;
		device = interpret_image_find(op, &image);
		if (device < 0)
			nanosleep(&pause, NULL);
	}
	if (device < 0)
		return -EBUSY;
	run->slots[op->slot2] = device;
	return 0;
}

/* --- dm-verity --------------------------------------------------------------------------------------- */

/* A request to the device mapper with room for one target (Documentation/admin-guide/device-mapper/). */
struct interpret_image_request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char table[2048];
};

struct interpret_image_mapper {
	int control;
	char name[64]; /* that no other device has; nothing ever looks for it */
	struct interpret_image_request request;
};

static void interpret_image_append_device(char *text, dev_t device)
{
	interpret_image_append_number(text, major(device));
	strcat(text, ":");
	interpret_image_append_number(text, minor(device));
	strcat(text, " ");
}

static int interpret_image_ask(struct interpret_image_mapper *mapper, unsigned long command, uint32_t flags)
{
	struct dm_ioctl *head = &mapper->request.head;

	*head = (struct dm_ioctl){
		.version = {4, 0, 0},
		.data_size = sizeof mapper->request,
		.data_start = sizeof *head,
		.target_count = command == DM_TABLE_LOAD,
		.flags = flags,
	};
	strcpy(head->name, mapper->name);
	return ioctl(mapper->control, command, head) < 0 ? -errno : 0;
}

/* The signature of the root hash becomes a key, by whose name the kernel finds it. The key goes with this thread. */
static int interpret_image_sign(const struct interpret_run *run, const struct program_op *op,
				struct interpret_image_mapper *mapper)
{
	if (op->number2 == 0)
		return 0;
	if (syscall(SYS_add_key, "user", mapper->name, interpret_text(run, op->text2), (size_t)op->number2,
		    KEY_SPEC_THREAD_KEYRING) < 0)
		return -errno;
	strcat(mapper->request.table, " 2 root_hash_sig_key_desc ");
	strcat(mapper->request.table, mapper->name);
	return 0;
}

/* "1 DATA HASH …" (Documentation/admin-guide/device-mapper/verity.rst). */
static int interpret_image_fill_table(const struct interpret_run *run, const struct program_op *op,
				      struct interpret_image_mapper *mapper)
{
	struct interpret_image_request *request = &mapper->request;
	const char *text = interpret_text(run, op->text);
	struct stat data, hash;

	if (fstat(run->slots[op->slot], &data) < 0 || fstat(run->slots[op->number], &hash) < 0)
		return -errno;
	if (strlen(text) > sizeof request->table / 2)
		return -E2BIG;
	request->target = (struct dm_target_spec){.length = op->flags};
	strcpy(request->target.target_type, "verity");
	strcpy(request->table, "1 ");
	interpret_image_append_device(request->table, data.st_rdev);
	interpret_image_append_device(request->table, hash.st_rdev);
	strcat(request->table, text);
	return interpret_image_sign(run, op, mapper);
}

/* The device as dm_ioctl.dev has it. */
static dev_t interpret_image_decode(uint64_t device)
{
	return makedev((unsigned)(device >> 8 & 0xfff),
		       (unsigned)((device & 0xff) | (device >> 12 & 0xfff00)));
}

/* Loads the table and opens the device. */
static int interpret_image_map(const struct interpret_run *run, const struct program_op *op,
			       struct interpret_image_mapper *mapper)
{
	int r = interpret_image_fill_table(run, op, mapper);

	if (r == 0)
		r = interpret_image_ask(mapper, DM_TABLE_LOAD, DM_READONLY_FLAG);
	if (r == 0)
		r = interpret_image_ask(mapper, DM_DEV_SUSPEND, 0); /* without DM_SUSPEND_FLAG: resume */
	if (r < 0)
		return r;
	return interpret_image_open("/dev/none", S_IFBLK, interpret_image_decode(mapper->request.head.dev),
				    O_RDONLY);
}

int interpret_image_verity(struct interpret_run *run, const struct program_op *op)
{
	struct interpret_image_mapper mapper = {};
	_cleanup_fd_ int control = interpret_image_open("/dev/mapper/control", S_IFCHR,
							makedev(10, INTERPRET_IMAGE_MAPPER_CONTROL), O_RDWR);
	struct timespec now;
	int device, r;

	if (control < 0)
		return control;
	if (op->number == PROGRAM_SLOT_NONE || run->slots[op->slot] < 0 || run->slots[op->number] < 0)
		return -EBADF;
	clock_gettime(CLOCK_BOOTTIME, &now);
	strcpy(mapper.name, "svcd-");
	interpret_image_append_number(mapper.name,
				      (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	strcat(mapper.name, "-");
	interpret_image_append_number(mapper.name, (uint64_t)getpid());
	mapper.control = control;
	r = interpret_image_ask(&mapper, DM_DEV_CREATE, 0);
	if (r < 0)
		return r;
	device = interpret_image_map(run, op, &mapper);
	/* Now if nobody has it open, else when the last user goes. */
	r = interpret_image_ask(&mapper, DM_DEV_REMOVE, DM_DEFERRED_REMOVE);
	if (device < 0 || r < 0) {
		fd_close(device);
		return device < 0 ? device : r;
	}
	run->slots[op->slot] = fd_close(run->slots[op->slot]);
	if (op->number != op->slot)
		run->slots[op->number] = fd_close(run->slots[op->number]);
	run->slots[op->slot2] = device;
	return 0;
}

/* --- file systems ------------------------------------------------------------------------------------ */

/* A file system on the device that SOURCE names, or with NULL on none. */
static int interpret_image_create(const struct program_op *op, const char *type, const char *options,
				  const char *source, bool read_only)
{
	_cleanup_fd_ int context = fsopen(type, FSOPEN_CLOEXEC);

	if (context < 0)
		return -errno;
	if (source && fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return -errno;
	if (read_only && fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -errno;
	return interpret_mounts_create(context, options, op->flags);
}

/* The device's node by name: the host's, or one of our own, which is then in the working directory. */
static int interpret_image_source(int device, char *source)
{
	_cleanup_fd_ int directory = -1;
	struct stat status, node;

	if (fstat(device, &status) < 0)
		return -errno;
	strcpy(source, "/dev/loop");
	interpret_image_append_number(source, minor(status.st_rdev));
	if (major(status.st_rdev) == INTERPRET_IMAGE_LOOP_MAJOR && stat(source, &node) == 0 &&
	    S_ISBLK(node.st_mode) && node.st_rdev == status.st_rdev)
		return 0;
	directory = interpret_image_node(S_IFBLK, status.st_rdev);
	if (directory < 0)
		return directory;
	strcpy(source, "device");
	return fchdir(directory) < 0 ? -errno : 0;
}

static int interpret_image_mount(const struct program_op *op, const char *type, const char *options,
				 int device)
{
	bool read_only = op->flags & PROGRAM_MOUNT_READ_ONLY;
	char source[32];
	int tree = interpret_image_source(device, source);

	if (tree < 0)
		return tree;
	tree = interpret_image_create(op, type, options, source, read_only);
	/* A device that we share is mounted writable already; then only our mount of it is read-only. */
	if (tree == -EBUSY && read_only)
		tree = interpret_image_create(op, type, "", source, false);
	if (chdir("/") < 0) {
		fd_close(tree);
		return -errno;
	}
	return tree;
}

int interpret_image_filesystem(struct interpret_run *run, const struct program_op *op)
{
	const char *type = interpret_text(run, op->text), *options = interpret_text(run, op->text2);
	_cleanup_fd_ int tree = -1;
	int r;

	if (op->slot == PROGRAM_SLOT_NONE)
		tree = interpret_image_create(op, type, options, NULL, false);
	else if (run->slots[op->slot] < 0)
		return -EBADF;
	else
		tree = interpret_image_mount(op, type, options, run->slots[op->slot]);
	if (tree < 0)
		return tree;
	r = interpret_mounts_id_map(run, tree, op->number);
	if (r < 0)
		return r;
	if (op->slot != PROGRAM_SLOT_NONE)
		run->slots[op->slot] = fd_close(run->slots[op->slot]);
	run->slots[op->slot2] = TAKE_FD(tree);
	return 0;
}
