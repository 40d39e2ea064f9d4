/* The program is asked at every open(2) and mknod(2) of a device node: type and access in one word, then major
 * and minor number (the kernel's struct bpf_cgroup_dev_ctx). Each rule that fits takes its kinds of access off
 * what is asked for; when nothing is left, access is granted. So "r" by one rule and "w" by another are "rw". */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/filter-device.h"
#include "engine/filter-text.h"
#include "engine/program.h"
#include "engine/view.h"

enum {
	FILTER_DEVICE_R = BPF_DEVCG_ACC_READ,
	FILTER_DEVICE_RW = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
	FILTER_DEVICE_RWM = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD,
	FILTER_DEVICE_FILE_MAX = 1 << 18,
	FILTER_DEVICE_DEPTH = 4, /* of directories of devices */
};

/* What everybody may use (the kernel's devices.txt): they hold nothing. A container has no more of them than
 * these, and its own pseudo terminals. */
static const struct filter_device_rule filter_device_standard[] = {
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 1, 3},			/* null */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 1, 5},			/* zero */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 1, 7},			/* full */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 1, 8},			/* random */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 1, 9},			/* urandom */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 5, 0},			/* tty */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 5, 2},			/* ptmx */
	{BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RW, 136, FILTER_DEVICE_ANY}, /* pts/… */
};

enum spec_device_policy filter_device_policy(const struct spec *spec)
{
	enum spec_device_policy policy = spec->device_policy;

	if (policy == SPEC_DEVICE_AUTO &&
	    (spec->private_devices || spec->protect_clock || spec_filters(spec)->device_allow))
		return SPEC_DEVICE_CLOSED;
	return policy;
}

bool filter_device_wanted(const struct spec *spec)
{
	return filter_device_policy(spec) != SPEC_DEVICE_AUTO;
}

static int filter_device_add(struct filter_device_rules *rules, struct filter_device_rule rule)
{
	struct filter_device_rule *larger;

	for (size_t i = 0; i < rules->n; i++) {
		struct filter_device_rule *known = &rules->items[i];

		if (known->type == rule.type && known->major == rule.major && known->minor == rule.minor) {
			known->access |= rule.access;
			return 0;
		}
	}
	larger = reallocarray(rules->items, rules->n + 1, sizeof rule);
	if (!larger)
		return -ENOMEM;
	rules->items = larger;
	rules->items[rules->n++] = rule;
	return 0;
}

/* "Character devices:\n  1 mem\n…\n\nBlock devices:\n…": a rule for each major number whose name is like GROUP. */
static int filter_device_add_group(struct filter_device_rules *rules, const char *devices, uint16_t type,
				   const char *group, uint16_t access)
{
	const char *line =
		strstr(devices, type == BPF_DEVCG_DEV_CHAR ? "Character devices:" : "Block devices:");
	struct filter_device_rule rule = {type, access, FILTER_DEVICE_ANY, FILTER_DEVICE_ANY};
	char name[128];
	unsigned number;
	int r = 0;

	if (strcmp(group, "*") == 0)
		return filter_device_add(rules, rule);
	if (group[strspn(group, "0123456789")] == '\0' && *group) {
		rule.major = strtol(group, NULL, 10);
		return filter_device_add(rules, rule);
	}
	while (line && (line = strchr(line, '\n')) && line[1] && line[1] != '\n' && r == 0) {
		line++;
		if (sscanf(line, "%u %127[^\n]", &number, name) != 2 || fnmatch(group, name, 0) != 0)
			continue;
		rule.major = number;
		r = filter_device_add(rules, rule);
	}
	return r;
}

/* A node that is not there cannot be opened, so that there is nothing to allow. */
static int filter_device_add_node(struct filter_device_rules *rules, const char *path, uint16_t access)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return -ENODEV;
	return filter_device_add(
		rules,
		(struct filter_device_rule){S_ISCHR(st.st_mode) ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK,
					    access, major(st.st_rdev), minor(st.st_rdev)});
}

static uint16_t filter_device_access(const char *letters)
{
	uint16_t access = 0;

	for (; *letters; letters++)
		access |= *letters == 'r'   ? BPF_DEVCG_ACC_READ
			  : *letters == 'w' ? BPF_DEVCG_ACC_WRITE
					    : BPF_DEVCG_ACC_MKNOD;
	return access;
}

/* "/dev/null rw", "char-pts rwm" */
static int filter_device_add_line(struct filter_device_rules *rules, const char *devices, const char *line)
{
	const char *letters = strrchr(line, ' ');
	_cleanup_free_ char *what = strndup(line, (size_t)(letters - line));
	uint16_t access = filter_device_access(letters + 1);

	if (!what)
		return -ENOMEM;
	if (text_starts_with(what, "char-"))
		return filter_device_add_group(rules, devices, BPF_DEVCG_DEV_CHAR, what + strlen("char-"),
					       access);
	if (text_starts_with(what, "block-"))
		return filter_device_add_group(rules, devices, BPF_DEVCG_DEV_BLOCK, what + strlen("block-"),
					       access);
	return filter_device_add_node(rules, what, access);
}

/* AddDevice=: a node, or all that are in a directory and those below it. */
static int filter_device_add_tree(struct filter_device_rules *rules, const char *path, uint16_t access,
				  int depth)
{
	DIR *directory = depth < FILTER_DEVICE_DEPTH ? opendir(path) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return (r = filter_device_add_node(rules, path, access)) == -ENODEV && depth > 0 ? 0 : r;
	while (r == 0 && (entry = readdir(directory))) {
		_cleanup_free_ char *inner =
			*entry->d_name == '.' ? NULL : text_format("%s/%s", path, entry->d_name);

		if (inner)
			r = filter_device_add_tree(rules, inner, access, depth + 1);
	}
	closedir(directory);
	return r;
}

static int filter_device_add_image(struct filter_device_rules *rules, const char *path)
{
	int r = filter_device_add_node(rules, path, FILTER_DEVICE_RW);

	return r == -ENODEV ? 0 : r; /* a file */
}

/* What a launch needs to mount disk images (systemd.resource-control(5), DeviceAllow=): loop devices, whose nodes a service with a
 * /dev of its own has not and cannot make; the device mapper for those that are verified; and an image that is a device. */
static int filter_device_add_images(struct filter_device_rules *rules, const struct spec *spec,
				    const char *devices)
{
	int r = filter_device_add_node(rules, "/dev/loop-control", FILTER_DEVICE_RW);

	if (r == 0)
		r = filter_device_add_group(rules, devices, BPF_DEVCG_DEV_BLOCK, "loop", FILTER_DEVICE_RW);
	if (r == 0)
		r = filter_device_add(
			rules, (struct filter_device_rule){BPF_DEVCG_DEV_CHAR, FILTER_DEVICE_RWM, 10, 236});
	if (r == 0)
		r = filter_device_add_group(rules, devices, BPF_DEVCG_DEV_BLOCK, "device-mapper",
					    FILTER_DEVICE_RWM);
	if (r == 0 && spec->root_image)
		r = filter_device_add_image(rules, spec->root_image);
	for (size_t i = 0; i < spec->mount_images.n && r == 0; i++)
		r = filter_device_add_image(rules, spec->mount_images.items[i].source);
	return r;
}

int filter_device_rules(const struct spec *spec, const char *devices, struct filter_device_rules *ret)
{
	struct filter_device_rules rules = {};
	int r = 0;

	if (filter_device_policy(spec) == SPEC_DEVICE_CLOSED)
		for (size_t i = 0; i < ARRAY_SIZE(filter_device_standard) && r == 0; i++)
			r = filter_device_add(&rules, filter_device_standard[i]);
	if (r == 0 && spec->protect_clock)
		r = filter_device_add_group(&rules, devices, BPF_DEVCG_DEV_CHAR, "rtc", FILTER_DEVICE_R);
	TEXT_LIST_FOREACH (line, spec_filters(spec)->device_allow)
		if (r == 0)
			r = filter_device_add_line(&rules, devices, *line);
	for (size_t i = 0; i < spec->devices.n && r == 0; i++)
		r = filter_device_add_tree(&rules, spec->devices.items[i].source,
					   filter_device_access(spec->devices.items[i].options), 0);
	if (r == 0 && view_is_opaque(spec))
		r = filter_device_add_images(&rules, spec, devices);
	if (r < 0) {
		free(rules.items);
		return r;
	}
	*ret = rules;
	return 0;
}

int filter_device_assemble(const struct filter_device_rules *rules, struct bpf_code *code)
{
	enum { TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };
	unsigned allow = bpf_code_label(code);

	bpf_code_load(code, BPF_W, TYPE, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	bpf_code_move(code, ACCESS, TYPE);
	bpf_code_alu(code, BPF_AND, TYPE, 0xffff);
	bpf_code_alu(code, BPF_RSH, ACCESS, 16);
	bpf_code_load(code, BPF_W, MAJOR, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major));
	bpf_code_load(code, BPF_W, MINOR, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = 0; i < rules->n; i++) {
		const struct filter_device_rule *rule = &rules->items[i];
		unsigned next = bpf_code_label(code);

		bpf_code_jump(code, BPF_JNE, TYPE, rule->type, next);
		if (rule->major != FILTER_DEVICE_ANY)
			bpf_code_jump(code, BPF_JNE, MAJOR, (int32_t)rule->major, next);
		if (rule->minor != FILTER_DEVICE_ANY)
			bpf_code_jump(code, BPF_JNE, MINOR, (int32_t)rule->minor, next);
		bpf_code_alu(code, BPF_AND, ACCESS, ~rule->access);
		bpf_code_jump(code, BPF_JEQ, ACCESS, 0, allow);
		bpf_code_place(code, next);
	}
	bpf_code_return(code, 0);
	/* Nothing jumps here when there is no rule, and the verifier takes no code that cannot be reached. */
	bpf_code_place(code, allow);
	if (rules->n > 0)
		bpf_code_return(code, 1);
	return bpf_code_finish(code);
}

/* --- in words -------------------------------------------------------------------------------------------- */

static char *filter_device_words(const struct spec *spec)
{
	struct text_buffer buffer = {};

	text_buffer_append(&buffer, "devices");
	if (filter_device_policy(spec) == SPEC_DEVICE_CLOSED)
		text_buffer_append(&buffer, " standard");
	if (spec->protect_clock)
		text_buffer_append(&buffer, " char-rtc:r");
	TEXT_LIST_FOREACH (line, spec_filters(spec)->device_allow) {
		const char *letters = strrchr(*line, ' ');

		text_buffer_append(&buffer, " %.*s:%s", (int)(letters - *line), *line, letters + 1);
	}
	for (size_t i = 0; i < spec->devices.n; i++)
		text_buffer_append(&buffer, " %s:%s", spec->devices.items[i].source,
				   spec->devices.items[i].options);
	if (view_is_opaque(spec))
		text_buffer_append(&buffer, " image");
	text_buffer_append(&buffer, ", no others");
	return text_buffer_finish(&buffer);
}

static uint32_t filter_device_origin(const struct spec *spec)
{
	if (spec->device_policy != SPEC_DEVICE_AUTO && !spec->device_policy_implied)
		return offsetof(struct spec, device_policy);
	if (spec_filters(spec)->device_allow)
		return SPEC_FILTERS_ORIGIN(device_allow);
	if (spec->devices.n)
		return offsetof(struct spec, devices);
	return spec->private_devices ? offsetof(struct spec, private_devices)
				     : offsetof(struct spec, protect_clock);
}

static bool filter_device_needs_list(const struct spec *spec)
{
	bool needed = spec->protect_clock || view_is_opaque(spec);

	TEXT_LIST_FOREACH (line, spec_filters(spec)->device_allow)
		needed |= **line != '/';
	return needed;
}

int filter_device(const struct spec *spec, struct filter *filter, struct failure *failure)
{
	struct filter_program *program;
	struct filter_device_rules rules = {};
	_cleanup_free_ char *devices = NULL;
	ssize_t n = 0;
	int r;

	if (!filter_device_wanted(spec))
		return 0;
	program = filter_append(filter, "svcd_device", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE,
				filter_device_origin(spec));
	if (!program)
		return -ENOMEM;
	program->implied = !spec_filters(spec)->device_allow &&
			   (spec->device_policy == SPEC_DEVICE_AUTO || spec->device_policy_implied);
	program->words = filter_device_words(spec);
	if (!program->words)
		return -ENOMEM;
	if (filter_device_needs_list(spec))
		n = fd_read_file_at(AT_FDCWD, "/proc/devices", FILTER_DEVICE_FILE_MAX, &devices);
	if (n < 0)
		return failure_set(failure, (int)n, NULL, "cannot read /proc/devices");
	r = filter_device_rules(spec, devices ?: "", &rules);
	if (r == -ENODEV)
		failure_set(failure, r, NULL, "a file that is no device is listed");
	if (r == 0)
		r = filter_device_assemble(&rules, &program->code);
	free(rules.items);
	return r;
}
