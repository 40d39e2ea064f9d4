/* What the programs attached to a unit's control group decide: which devices, addresses, ports, interfaces and file
 * systems its processes may use. Here a spec becomes programs, not yet loaded; who holds the group (manager/host-filter.c) loads each
 * once, shares it between units, and attaches it.
 *
 * The rules stand in the spec as the text lists that filter-text.h reads. */
#pragma once

#include "engine/bpf-code.h"
#include "engine/spec.h"

enum filter_map_kind {
	FILTER_MAP_PREFIXES, /* keys: struct bpf_lpm_trie_key with an address of key_size - 4 bytes; there or not */
	FILTER_MAP_INTERFACES, /* names; each interface's index is a key while there is one of that name */
	FILTER_MAP_COUNTERS, /* struct filter_counters for each group to which a program is attached; one map for all */
	FILTER_MAP_LAUNCHING, /* the tasks that are still a launch program: PROGRAM_FILTER_PASS */
};

struct filter_map {
	enum filter_map_kind kind;
	uint32_t key_size, n_keys;
	void *keys; /* heap; of INTERFACES: a text list */
};

enum { FILTER_MAPS = 5 };

struct filter_program {
	const char *name;      /* of our own programs, "svcd_…": by it a later manager knows them */
	uint32_t type, attach; /* BPF_PROG_TYPE_*, BPF_CGROUP_* */
	uint32_t btf_id;
	struct bpf_code code; /* finished */
	struct filter_map maps[FILTER_MAPS];
	unsigned n_maps;
	const char *pinned; /* instead of code: a program pinned there (in the spec) */
	uint32_t origin;    /* offsetof(struct spec, …) */
	uint16_t item;
	bool implied; /* nobody asked for it in words: where it cannot be, it is left out */
	char *words;  /* what it does, for explain; heap */
};

struct filter {
	struct filter_program *items;
	size_t n;
};

/* Counted by the programs of the unit, both directions. */
struct filter_counters {
	uint64_t ingress_bytes, ingress_packets, egress_bytes, egress_packets;
};

/* All programs for SPECS[0], a unit's; the other specs are its slices', from the inside to the outside, whose lists of
 * addresses count too (systemd.resource-control(5), IPAddressAllow=). Reads what names devices and file systems. On failure
 * *RET_ORIGIN and *RET_ITEM say which rule. */
int filter_compile(const struct spec *const *specs, size_t n_specs, struct filter *ret,
		   struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item);
void filter_deinit(struct filter *filter);
/* Is there anything to compile? Without looking anywhere. */
bool filter_wanted(const struct spec *const *specs, size_t n_specs);
/* A number that is another one when any rule is another one. */
uint64_t filter_rules(const struct spec *const *specs, size_t n_specs);
/* The first rule that somebody asked for, as offsetof(struct spec, …); PROGRAM_NO_ORIGIN: none. */
uint32_t filter_first_rule(const struct spec *spec);

/* --- for the files filter-*.c -------------------------------------------------------------------------- */

/* Appends a program, zeroed; NULL without memory. */
struct filter_program *filter_append(struct filter *filter, const char *name, uint32_t type, uint32_t attach,
				     uint32_t origin);
/* Adds a map to the program and returns its number. The keys are taken over. */
unsigned filter_add_map(struct filter_program *program, struct filter_map map);

int filter_device(const struct spec *spec, struct filter *filter, struct failure *failure);
int filter_socket(const struct spec *spec, struct filter *filter);
int filter_files(const struct spec *spec, struct filter *filter, struct failure *failure);
int filter_address(const struct spec *const *specs, size_t n_specs, struct filter *filter);
