/* bpf(2), as far as the filters of a control group need it: programs, maps, and what is attached where. Programs are
 * attached to the group itself and live as long as it does, whatever becomes of the process that attached them. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include "base/failure.h"

enum { BPF_NAME_SIZE = BPF_OBJ_NAME_LEN, BPF_ATTACHED_MAX = 64 };

/* Loads a program of N instructions. Its BPF_PSEUDO_MAP_FD instructions name maps by their number in MAPS. ATTACH is the
 * expected attach type; BTF_ID the hook of BPF_PROG_TYPE_LSM, else 0. On failure the verifier's last words are in FAILURE. Returns
 * a descriptor, the caller's. */
struct bpf_source {
	const char *name; /* at most BPF_NAME_SIZE - 1 bytes */
	uint32_t type, attach, btf_id;
	const struct bpf_insn *insns;
	size_t n;
	const int *maps;
	size_t n_maps;
};
int bpf_load(const struct bpf_source *source, struct failure *failure);

/* A new map. FLAGS as BPF_F_*; BTF_FD with the ids of key and value only for the storages that need them, else -1. */
struct bpf_map_shape {
	const char *name;
	uint32_t type, key_size, value_size, n, flags;
	int btf_fd;
	uint32_t btf_key, btf_value;
};
int bpf_map_new(const struct bpf_map_shape *shape);
/* A storage of one byte per task, whose key is a pidfd. */
int bpf_map_new_task_storage(const char *name);
int bpf_map_set(int map_fd, const void *key, const void *value);
int bpf_map_get(int map_fd, const void *key, void *ret_value);
int bpf_map_remove(int map_fd, const void *key);
/* The first key after KEY (NULL: of all); -ENOENT: there is none. */
int bpf_map_next(int map_fd, const void *key, void *ret_key);

/* What PATH in a bpf file system pins; the caller's. */
int bpf_open_pinned(const char *path);
int bpf_open_program(uint32_t id);
int bpf_open_map(uint32_t id);

struct bpf_about {
	uint32_t type, id;
	char name[BPF_NAME_SIZE];
	uint32_t maps[8]; /* ids */
	uint32_t n_maps;
};
int bpf_about(int program_fd, struct bpf_about *ret);
int bpf_about_map(int map_fd, char ret_name[static BPF_NAME_SIZE]);

/* Attaches beside what others have attached, or in place of the program REPLACED (a descriptor; -1) without a moment in between. */
int bpf_attach(int group_fd, int program_fd, uint32_t attach, int replaced_fd);
int bpf_detach(int group_fd, int program_fd, uint32_t attach);
/* Ids of what is attached to this very group, at most BPF_ATTACHED_MAX (-E2BIG beyond). Returns how many. */
int bpf_attached(int group_fd, uint32_t attach, uint32_t ids[static BPF_ATTACHED_MAX]);
