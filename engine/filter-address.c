/* The program sees every packet of the group's sockets, from its IP header on (the kernel's __sk_buff). The peer's address is looked up in
 * a trie of what is allowed, then in one of what is denied: an allowed address passes, a denied one does not, any other does. Only what
 * passes is counted.
 *
 * A denied address that is allowed further up or down passes: systemd.resource-control(5) makes one list of those of a unit and
 * its slices, so the programs of the slices count only: also what a unit in them is refused to send, for the kernel asks all programs in
 * any case. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "base/text.h"
#include "engine/filter-address.h"
#include "engine/filter-text.h"
#include "engine/program.h"

enum { FILTER_ADDRESS_KEY4 = 4 + 4, FILTER_ADDRESS_KEY6 = 4 + 16 };

bool filter_address_wanted(const struct spec *const *specs, size_t n_specs)
{
	/* Where nothing is denied there is nothing to allow. */
	for (size_t i = 0; i < n_specs; i++)
		if (spec_filters(specs[i])->ip_deny)
			return true;
	return spec_filters(specs[0])->ip_accounting;
}

/* --- the lists ----------------------------------------------------------------------------------------- */

static int filter_address_add(struct filter_map *map, const struct filter_prefix *prefix, uint32_t key_size)
{
	char key[FILTER_ADDRESS_KEY6] = {}, *keys = map->keys;
	uint32_t length = prefix->length;

	memcpy(key, &length, sizeof length);
	memcpy(key + sizeof length, prefix->address, key_size - sizeof length);
	for (uint32_t i = 0; i < map->n_keys; i++)
		if (memcmp(keys + (size_t)i * key_size, key, key_size) == 0)
			return 0;
	keys = reallocarray(keys, map->n_keys + 1, key_size);
	if (!keys)
		return -ENOMEM;
	memcpy(keys + (size_t)map->n_keys * key_size, key, key_size);
	map->keys = keys;
	map->n_keys++;
	map->key_size = key_size;
	return 0;
}

static int filter_address_add_list(struct filter_map *map4, struct filter_map *map6, char *const *list)
{
	int r = 0;

	for (; r == 0 && list && *list; list++) {
		struct filter_prefix prefix;

		r = filter_text_prefix(*list, &prefix);
		if (r == 0)
			r = prefix.family == AF_INET ? filter_address_add(map4, &prefix, FILTER_ADDRESS_KEY4)
						     : filter_address_add(map6, &prefix, FILTER_ADDRESS_KEY6);
	}
	return r;
}

int filter_address_lists(const struct spec *const *specs, size_t n_specs, struct filter_address_lists *ret)
{
	int r = 0;

	*ret = (struct filter_address_lists){};
	for (size_t i = 0; i < n_specs && r == 0; i++) {
		r = filter_address_add_list(&ret->allow4, &ret->allow6, spec_filters(specs[i])->ip_allow);
		if (r == 0)
			r = filter_address_add_list(&ret->deny4, &ret->deny6,
						    spec_filters(specs[i])->ip_deny);
	}
	if (r < 0)
		filter_address_lists_deinit(ret);
	return r;
}

void filter_address_lists_deinit(struct filter_address_lists *lists)
{
	free(lists->allow4.keys);
	free(lists->allow6.keys);
	free(lists->deny4.keys);
	free(lists->deny6.keys);
	*lists = (struct filter_address_lists){};
}

/* --- the program --------------------------------------------------------------------------------------- */

struct filter_address_labels {
	unsigned allow, deny;
};

/* Is the key at KEY below the frame in the map? To LABEL then. */
static void filter_address_look_up(struct filter_program *program, struct filter_map *map, int16_t key,
				   unsigned label)
{
	struct bpf_code *code = &program->code;

	if (map->n_keys == 0)
		return;
	bpf_code_map(code, BPF_REG_1, filter_add_map(program, *map));
	map->keys = NULL; /* the program's now */
	bpf_code_move(code, BPF_REG_2, BPF_REG_10);
	bpf_code_alu(code, BPF_ADD, BPF_REG_2, key);
	bpf_code_call(code, BPF_FUNC_map_lookup_elem);
	bpf_code_jump(code, BPF_JNE, BPF_REG_0, 0, label);
}

/* The address of SIZE bytes at OFFSET of the packet, through both lists. */
static void filter_address_judge(struct filter_program *program, uint16_t offset, uint16_t size,
				 struct filter_map *allow, struct filter_map *deny,
				 struct filter_address_labels labels)
{
	enum { KEY = -24, ADDRESS = KEY + 4 };
	struct bpf_code *code = &program->code;

	bpf_code_move(code, BPF_REG_1, BPF_REG_6);
	bpf_code_set(code, BPF_REG_2, offset);
	bpf_code_move(code, BPF_REG_3, BPF_REG_10);
	bpf_code_alu(code, BPF_ADD, BPF_REG_3, ADDRESS);
	bpf_code_set(code, BPF_REG_4, size);
	bpf_code_call(code, BPF_FUNC_skb_load_bytes);
	bpf_code_jump(code, BPF_JNE, BPF_REG_0, 0, labels.deny); /* too short to have one */
	bpf_code_store_value(code, BPF_W, BPF_REG_10, KEY, size * 8);
	filter_address_look_up(program, allow, KEY, labels.allow);
	filter_address_look_up(program, deny, KEY, labels.deny);
	bpf_code_goto(code, labels.allow);
}

/* Register 6 is the packet. */
static void filter_address_count(struct filter_program *program, bool egress)
{
	struct bpf_code *code = &program->code;
	int16_t bytes = egress ? offsetof(struct filter_counters, egress_bytes)
			       : offsetof(struct filter_counters, ingress_bytes);
	int16_t packets = egress ? offsetof(struct filter_counters, egress_packets)
				 : offsetof(struct filter_counters, ingress_packets);

	bpf_code_map(code, BPF_REG_1,
		     filter_add_map(program, (struct filter_map){.kind = FILTER_MAP_COUNTERS}));
	bpf_code_set(code, BPF_REG_2, 0);
	bpf_code_call(code, BPF_FUNC_get_local_storage); /* of the group it is attached to; always there */
	bpf_code_load(code, BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, len));
	bpf_code_add_atomic(code, BPF_REG_0, bytes, BPF_REG_1);
	bpf_code_set(code, BPF_REG_1, 1);
	bpf_code_add_atomic(code, BPF_REG_0, packets, BPF_REG_1);
}

int filter_address_assemble(struct filter_program *program, bool egress, bool counted,
			    struct filter_address_lists *lists)
{
	struct bpf_code *code = &program->code;
	struct filter_address_labels labels = {bpf_code_label(code), bpf_code_label(code)};
	unsigned v4 = bpf_code_label(code), v6 = bpf_code_label(code);

	bpf_code_move(code, BPF_REG_6, BPF_REG_1);
	bpf_code_load(code, BPF_W, BPF_REG_7, BPF_REG_1, offsetof(struct __sk_buff, protocol));
	if (lists->deny4.n_keys)
		bpf_code_jump(code, BPF_JEQ, BPF_REG_7, htons(ETH_P_IP), v4);
	if (lists->deny6.n_keys)
		bpf_code_jump(code, BPF_JEQ, BPF_REG_7, htons(ETH_P_IPV6), v6);
	bpf_code_goto(code, labels.allow);
	if (lists->deny4.n_keys) {
		bpf_code_place(code, v4);
		filter_address_judge(program, egress ? 16 : 12, 4, &lists->allow4, &lists->deny4, labels);
	}
	if (lists->deny6.n_keys) {
		bpf_code_place(code, v6);
		filter_address_judge(program, egress ? 24 : 8, 16, &lists->allow6, &lists->deny6, labels);
	}
	if (lists->deny4.n_keys || lists->deny6.n_keys) {
		bpf_code_place(code, labels.deny);
		bpf_code_return(code, 0);
	}
	bpf_code_place(code, labels.allow);
	if (counted)
		filter_address_count(program, egress);
	bpf_code_return(code, 1);
	return bpf_code_finish(code);
}

/* --- in words, and both directions --------------------------------------------------------------------- */

static void filter_address_tell(struct text_buffer *words, const char *what, const struct spec *const *specs,
				size_t n_specs, size_t offset)
{
	bool first = true;

	for (size_t i = 0; i < n_specs; i++) {
		char *const *list = *(char *const *const *)((const char *)spec_filters(specs[i]) + offset);

		for (; list && *list; list++) {
			text_buffer_append(words, "%s %s", first ? what : "", *list);
			first = false;
		}
	}
}

static char *filter_address_words(const struct spec *const *specs, size_t n_specs, bool egress)
{
	struct text_buffer words = {};

	text_buffer_append(&words, egress ? "packets sent" : "packets received");
	filter_address_tell(&words, " deny", specs, n_specs, offsetof(struct spec_filters, ip_deny));
	filter_address_tell(&words, " but for", specs, n_specs, offsetof(struct spec_filters, ip_allow));
	if (spec_filters(specs[0])->ip_accounting)
		text_buffer_append(&words, " counted");
	return text_buffer_finish(&words);
}

static uint32_t filter_address_origin(const struct spec *spec)
{
	if (spec_filters(spec)->ip_deny)
		return SPEC_FILTERS_ORIGIN(ip_deny);
	return spec_filters(spec)->ip_accounting ? SPEC_FILTERS_ORIGIN(ip_accounting) : PROGRAM_NO_ORIGIN;
}

int filter_address(const struct spec *const *specs, size_t n_specs, struct filter *filter)
{
	int r = 0;

	if (!filter_address_wanted(specs, n_specs))
		return 0;
	for (int egress = 0; egress < 2 && r == 0; egress++) {
		struct filter_address_lists lists;
		struct filter_program *program = filter_append(
			filter, egress ? "svcd_egress" : "svcd_ingress", BPF_PROG_TYPE_CGROUP_SKB,
			egress ? BPF_CGROUP_INET_EGRESS : BPF_CGROUP_INET_INGRESS,
			filter_address_origin(specs[0]));

		if (!program)
			return -ENOMEM;
		program->words = filter_address_words(specs, n_specs, egress);
		r = program->words ? filter_address_lists(specs, n_specs, &lists) : -ENOMEM;
		if (r < 0)
			return r;
		r = filter_address_assemble(program, egress, spec_filters(specs[0])->ip_accounting, &lists);
		filter_address_lists_deinit(&lists);
	}
	return r;
}
