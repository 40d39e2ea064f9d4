/* See bpf.h. */
#include <linux/btf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/bpf.h"

enum { BPF_LOG_SIZE = 16384, BPF_LOAD_TRIES = 5 };

static int bpf_call(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof *attr);

	return r < 0 ? -errno : (int)r;
}

static uint64_t bpf_pointer(const void *pointer)
{
	return (uintptr_t)pointer;
}

static int bpf_load_once(union bpf_attr *attr)
{
	int r = -EAGAIN;

	/* The verifier gives way to a signal. */
	for (int i = 0; i < BPF_LOAD_TRIES && r == -EAGAIN; i++)
		r = bpf_call(BPF_PROG_LOAD, attr);
	return r;
}

/* The last line but the statistics: what the verifier had against it. */
static const char *bpf_last_words(char *log)
{
	char *end = strstr(log, "\nprocessed "), *line;

	if (end)
		*end = '\0';
	for (end = log + strlen(log); end > log && end[-1] == '\n';)
		*--end = '\0';
	line = strrchr(log, '\n');
	return line ? line + 1 : log;
}

int bpf_load(const struct bpf_source *source, struct failure *failure)
{
	struct bpf_insn *insns = malloc(source->n * sizeof *insns);
	union bpf_attr attr = {
		.prog_type = source->type,
		.insn_cnt = (uint32_t)source->n,
		.insns = bpf_pointer(insns),
		.license = bpf_pointer("Dual MIT/GPL"), /* some helpers are for such programs only */
		.expected_attach_type = source->attach,
		.attach_btf_id = source->btf_id,
	};
	char *log;
	int r;

	if (!insns)
		return failure_set(failure, -ENOMEM, NULL, "cannot load the filter %s", source->name);
	memcpy(insns, source->insns, source->n * sizeof *insns);
	for (size_t i = 0; i < source->n; i++)
		if (insns[i].code == (BPF_LD | BPF_DW | BPF_IMM) && insns[i].src_reg == BPF_PSEUDO_MAP_FD &&
		    (size_t)insns[i].imm < source->n_maps)
			insns[i].imm = source->maps[insns[i].imm];
	strncpy(attr.prog_name, source->name, sizeof attr.prog_name - 1);
	r = bpf_load_once(&attr);
	if (r < 0 && r != -EPERM && (log = calloc(1, BPF_LOG_SIZE))) {
		attr.log_level = 1;
		attr.log_buf = bpf_pointer(log);
		attr.log_size = BPF_LOG_SIZE;
		r = bpf_load_once(&attr);
		if (r < 0)
			failure_set(failure, r, NULL, "the kernel does not take the filter %s (%.200s)",
				    source->name, bpf_last_words(log));
		free(log);
	} else if (r < 0) {
		failure_set(failure, r, NULL, "the kernel does not take the filter %s", source->name);
	}
	free(insns);
	return r;
}

int bpf_map_new(const struct bpf_map_shape *shape)
{
	union bpf_attr attr = {
		.map_type = shape->type,
		.key_size = shape->key_size,
		.value_size = shape->value_size,
		.max_entries = shape->n,
		.map_flags = shape->flags,
	};

	if (shape->btf_fd > 0) {
		attr.btf_fd = (uint32_t)shape->btf_fd;
		attr.btf_key_type_id = shape->btf_key;
		attr.btf_value_type_id = shape->btf_value;
	}
	strncpy(attr.map_name, shape->name, sizeof attr.map_name - 1);
	return bpf_call(BPF_MAP_CREATE, &attr);
}

int bpf_map_new_task_storage(const char *name)
{
	/* Such a map must say what its keys and values are: the smallest description is one type, an int of 4 bytes. */
	static const struct {
		struct btf_header head;
		struct btf_type type;
		uint32_t encoding;
		char strings[8];
	} description = {
		.head = {.magic = BTF_MAGIC,
			 .version = BTF_VERSION,
			 .hdr_len = sizeof(struct btf_header),
			 .type_len = sizeof(struct btf_type) + sizeof(uint32_t),
			 .str_off = sizeof(struct btf_type) + sizeof(uint32_t),
			 .str_len = 8},
		.type = {.name_off = 1, .info = BTF_KIND_INT << 24, .size = 4},
		.encoding = BTF_INT_SIGNED << 24 | 32,
		.strings = "\0int",
	};
	union bpf_attr load = {.btf = bpf_pointer(&description), .btf_size = sizeof description};
	struct bpf_map_shape shape = {
		.name = name,
		.type = BPF_MAP_TYPE_TASK_STORAGE,
		.key_size = sizeof(int),
		.value_size = sizeof(int),
		.flags = BPF_F_NO_PREALLOC,
		.btf_key = 1,
		.btf_value = 1,
	};
	int r;

	shape.btf_fd = bpf_call(BPF_BTF_LOAD, &load);
	if (shape.btf_fd < 0)
		return shape.btf_fd;
	r = bpf_map_new(&shape);
	close(shape.btf_fd);
	return r;
}

static int bpf_map_call(int command, int map_fd, const void *key, const void *value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)map_fd, .key = bpf_pointer(key), .value = bpf_pointer(value)};

	return bpf_call(command, &attr);
}

int bpf_map_set(int map_fd, const void *key, const void *value)
{
	return bpf_map_call(BPF_MAP_UPDATE_ELEM, map_fd, key, value);
}

int bpf_map_get(int map_fd, const void *key, void *ret_value)
{
	return bpf_map_call(BPF_MAP_LOOKUP_ELEM, map_fd, key, ret_value);
}

int bpf_map_remove(int map_fd, const void *key)
{
	return bpf_map_call(BPF_MAP_DELETE_ELEM, map_fd, key, NULL);
}

int bpf_map_next(int map_fd, const void *key, void *ret_key)
{
	return bpf_map_call(BPF_MAP_GET_NEXT_KEY, map_fd, key, ret_key);
}

int bpf_open_pinned(const char *path)
{
	union bpf_attr attr = {.pathname = bpf_pointer(path)};

	return bpf_call(BPF_OBJ_GET, &attr);
}

int bpf_open_program(uint32_t id)
{
	union bpf_attr attr = {.prog_id = id};

	return bpf_call(BPF_PROG_GET_FD_BY_ID, &attr);
}

int bpf_open_map(uint32_t id)
{
	union bpf_attr attr = {.map_id = id};

	return bpf_call(BPF_MAP_GET_FD_BY_ID, &attr);
}

int bpf_about(int program_fd, struct bpf_about *ret)
{
	struct bpf_about about = {};
	struct bpf_prog_info info = {.map_ids = bpf_pointer(about.maps), .nr_map_ids = 8};
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)program_fd,
					.info_len = sizeof info,
					.info = bpf_pointer(&info)}};
	int r = bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr);

	if (r < 0)
		return r;
	about.type = info.type;
	about.id = info.id;
	about.n_maps = MIN_OF(info.nr_map_ids, 8u);
	memcpy(about.name, info.name, sizeof about.name - 1);
	*ret = about;
	return 0;
}

int bpf_about_map(int map_fd, char ret_name[static BPF_NAME_SIZE])
{
	struct bpf_map_info info = {};
	union bpf_attr attr = {
		.info = {.bpf_fd = (uint32_t)map_fd, .info_len = sizeof info, .info = bpf_pointer(&info)}};
	int r = bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr);

	if (r == 0)
		memcpy(ret_name, info.name, BPF_NAME_SIZE);
	return r;
}

int bpf_attach(int group_fd, int program_fd, uint32_t attach, int replaced_fd)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)group_fd,
		.attach_bpf_fd = (uint32_t)program_fd,
		.attach_type = attach,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	if (replaced_fd >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced_fd;
	}
	return bpf_call(BPF_PROG_ATTACH, &attr);
}

int bpf_detach(int group_fd, int program_fd, uint32_t attach)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)group_fd,
		.attach_bpf_fd = (uint32_t)program_fd,
		.attach_type = attach,
	};

	return bpf_call(BPF_PROG_DETACH, &attr);
}

int bpf_attached(int group_fd, uint32_t attach, uint32_t ids[static BPF_ATTACHED_MAX])
{
	union bpf_attr attr = {.query = {.target_fd = (uint32_t)group_fd,
					 .attach_type = attach,
					 .prog_ids = bpf_pointer(ids),
					 .prog_cnt = BPF_ATTACHED_MAX}};
	uint32_t flags[BPF_ATTACHED_MAX];
	int r;

	/* Asked for all hooks of the LSM at once, the kernel insists on telling the flags of each. */
	if (attach == BPF_LSM_CGROUP)
		attr.query.prog_attach_flags = bpf_pointer(flags);
	r = bpf_call(BPF_PROG_QUERY, &attr);
	return r == -ENOSPC ? -E2BIG : r < 0 ? r : (int)attr.query.prog_cnt;
}
