/* Filters of control groups: the rules' texts, and the programs made of them, run by a model of the kernel's machine over tables of
 * what may happen. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/bpf.h"
#include "engine/filter-address.h"
#include "engine/btf.h"
#include "engine/filter-device.h"
#include "engine/filter-files.h"
#include "engine/filter-magic.h"
#include "engine/filter-text.h"
#include "tests/unit/bpf-machine.h"

static struct spec spec;

static void begin(void)
{
	spec_deinit(&spec);
	spec_init(&spec);
	spec.filters = calloc(1, sizeof *spec.filters);
	EXPECT(spec.filters);
}

static const struct spec *const specs[] = {&spec, NULL};

static void add(char ***list, const char *item)
{
	EXPECT(text_list_append(list, item) == 0);
}

/* --- the assembler ------------------------------------------------------------------------------------- */

TEST(labels_become_distances_forward_and_backward)
{
	struct bpf_code code = {};
	unsigned back = bpf_code_label(&code), out = bpf_code_label(&code);

	bpf_code_set(&code, BPF_REG_0, 0);
	bpf_code_place(&code, back);
	bpf_code_jump(&code, BPF_JEQ, BPF_REG_0, 5, out);
	bpf_code_alu(&code, BPF_ADD, BPF_REG_0, 1);
	bpf_code_goto(&code, back);
	bpf_code_place(&code, out);
	bpf_code_append(&code, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
	EXPECT(bpf_code_finish(&code) == 0);
	EXPECT(code.insns[1].off == 2 && code.insns[3].off == -3);
	EXPECT(machine_run(&code, NULL, NULL, NULL) == 5);
	bpf_code_deinit(&code);
}

TEST(too_long_a_program_is_refused)
{
	struct bpf_code code = {};

	for (int i = 0; i < 40000; i++)
		bpf_code_set(&code, BPF_REG_0, i);
	EXPECT(bpf_code_finish(&code) == -E2BIG);
	bpf_code_deinit(&code);
}

/* --- devices ------------------------------------------------------------------------------------------- */

enum { R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE, M = BPF_DEVCG_ACC_MKNOD };
enum { CHAR = BPF_DEVCG_DEV_CHAR, BLOCK = BPF_DEVCG_DEV_BLOCK };

static const char proc_devices[] =
	"Character devices:\n  1 mem\n  4 /dev/vc/0\n  4 tty\n  4 ttyS\n 10 misc\n116 alsa\n136 pts\n"
	"137 pts\n254 rtc\n\nBlock devices:\n  7 loop\n  8 sd\n 65 sd\n259 blkext\n";

static bool device(const struct bpf_code *code, unsigned type, unsigned access, unsigned major,
		   unsigned minor)
{
	struct bpf_cgroup_dev_ctx context = {
		.access_type = type | access << 16, .major = major, .minor = minor};

	return machine_run(code, &context, NULL, NULL) == 1;
}

static struct bpf_code make_devices(void)
{
	struct filter_device_rules rules;
	struct bpf_code code = {};

	EXPECT(filter_device_rules(&spec, proc_devices, &rules) == 0);
	EXPECT(filter_device_assemble(&rules, &code) == 0);
	free(rules.items);
	return code;
}

TEST(strict_devices_are_those_that_are_listed)
{
	struct bpf_code code;

	begin();
	spec.device_policy = SPEC_DEVICE_STRICT;
	code = make_devices();
	EXPECT(!device(&code, CHAR, R, 1, 3) && !device(&code, BLOCK, M, 0, 0));
	bpf_code_deinit(&code);
	add(&spec.filters->device_allow, "/dev/null r");
	add(&spec.filters->device_allow, "char-mem w");
	add(&spec.filters->device_allow, "block-s? rm");
	add(&spec.filters->device_allow, "char-254 rw");
	add(&spec.filters->device_allow, "/dev/there-is-none rwm");
	code = make_devices();
	static const struct {
		unsigned type, access, major, minor;
		bool allowed;
	} table[] = {
		{CHAR, R, 1, 3, true},	     {CHAR, W, 1, 3, true},	 {CHAR, R | W, 1, 3, true},
		{CHAR, M, 1, 3, false},	     {CHAR, R | M, 1, 3, false}, {CHAR, R, 1, 5, false},
		{CHAR, W, 1, 5, true},	     {BLOCK, R, 1, 3, false},	 {BLOCK, R, 8, 17, true},
		{BLOCK, R | M, 65, 0, true}, {BLOCK, W, 8, 0, false},	 {BLOCK, R | W, 8, 0, false},
		{CHAR, R, 8, 0, false},	     {BLOCK, R, 7, 0, false},	 {CHAR, R | W, 254, 9, true},
		{CHAR, M, 254, 9, false},    {CHAR, R, 136, 0, false},	 {CHAR, 0, 200, 0, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (device(&code, table[i].type, table[i].access, table[i].major, table[i].minor) !=
		    table[i].allowed) {
			printf("# row %zu\n", i);
			EXPECT(!"decided as the table says");
		}
	bpf_code_deinit(&code);
}

TEST(closed_devices_are_the_harmless_ones)
{
	static const unsigned minors[] = {3, 5, 7, 8, 9};
	struct bpf_code code;

	begin();
	spec.device_policy = SPEC_DEVICE_CLOSED;
	code = make_devices();
	for (size_t i = 0; i < ARRAY_SIZE(minors); i++)
		EXPECT(device(&code, CHAR, R | W, 1, minors[i]) && device(&code, CHAR, M, 1, minors[i]));
	EXPECT(device(&code, CHAR, R | W, 5, 0) && device(&code, CHAR, R | W, 5, 2));
	EXPECT(device(&code, CHAR, R | W, 136, 77) && !device(&code, CHAR, M, 136, 77));
	EXPECT(!device(&code, CHAR, R, 1, 1) && !device(&code, CHAR, R, 1, 11) &&
	       !device(&code, CHAR, R, 5, 1));
	EXPECT(!device(&code, BLOCK, R, 1, 3) && !device(&code, BLOCK, M, 7, 0) &&
	       !device(&code, CHAR, R, 10, 237));
	bpf_code_deinit(&code);
}

TEST(what_implies_a_policy)
{
	struct bpf_code code;

	begin();
	EXPECT(!filter_wanted(specs, 1) && filter_device_policy(&spec) == SPEC_DEVICE_AUTO);
	spec.private_devices = true;
	EXPECT(filter_wanted(specs, 1) && filter_device_policy(&spec) == SPEC_DEVICE_CLOSED);
	begin();
	spec.protect_clock = true;
	EXPECT(filter_device_policy(&spec) == SPEC_DEVICE_CLOSED);
	code = make_devices();
	EXPECT(device(&code, CHAR, R, 254, 0) && !device(&code, CHAR, W, 254, 0) &&
	       device(&code, CHAR, R, 1, 3));
	bpf_code_deinit(&code);
	begin();
	add(&spec.filters->device_allow, "char-* rw");
	EXPECT(filter_device_policy(&spec) == SPEC_DEVICE_CLOSED);
	code = make_devices();
	EXPECT(device(&code, CHAR, R | W, 200, 0) && !device(&code, BLOCK, R, 8, 0));
	bpf_code_deinit(&code);
}

/* --- addresses ----------------------------------------------------------------------------------------- */

/* A packet, and what the program's helpers are asked about it. */
struct packet {
	const struct filter_program *program;
	uint8_t header[40];
	struct filter_counters counters;
};

static bool in_trie(const struct filter_map *map, const uint8_t *address)
{
	for (uint32_t i = 0; i < map->n_keys; i++) {
		const uint8_t *key = (const uint8_t *)map->keys + (size_t)i * map->key_size;
		uint32_t length;
		bool same = true;

		memcpy(&length, key, sizeof length);
		for (uint32_t bit = 0; bit < length; bit++)
			same &= !((key[4 + bit / 8] ^ address[bit / 8]) & (0x80u >> bit % 8));
		if (same)
			return true;
	}
	return false;
}

static uint64_t packet_helper(int32_t number, const uint64_t arguments[5], void *data)
{
	struct packet *packet = data;
	const struct filter_map *map;

	if (number == BPF_FUNC_get_local_storage)
		return (uintptr_t)&packet->counters;
	if (number == BPF_FUNC_skb_load_bytes) {
		EXPECT(arguments[1] + arguments[3] <= sizeof packet->header);
		memcpy((void *)(uintptr_t)arguments[2], packet->header + arguments[1], arguments[3]);
		return 0;
	}
	EXPECT(number == BPF_FUNC_map_lookup_elem && arguments[0] < packet->program->n_maps);
	map = &packet->program->maps[arguments[0]];
	EXPECT(*(uint32_t *)(uintptr_t)arguments[1] == (map->key_size - 4) * 8);
	return in_trie(map, (uint8_t *)(uintptr_t)arguments[1] + 4);
}

/* Does a packet between the unit and PEER pass? */
static bool passes(struct packet *packet, bool egress, const char *peer)
{
	bool v6 = strchr(peer, ':');
	struct __sk_buff context = {.len = 100, .protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP)};

	memset(packet->header, 0x55, sizeof packet->header);
	EXPECT(inet_pton(v6 ? AF_INET6 : AF_INET, peer,
			 packet->header + (v6 ? (egress ? 24 : 8) : (egress ? 16 : 12))) == 1);
	return machine_run(&packet->program->code, &context, packet_helper, packet) == 1;
}

TEST(addresses_are_allowed_then_denied_then_allowed)
{
	/* What the unit allows passes, whatever its slice denies. */
	static const struct {
		const char *peer;
		bool passes;
	} table[] = {
		{"10.1.2.3", true},  {"10.1.2.4", true},     {"11.0.0.1", true},      {"192.168.0.1", false},
		{"10.9.9.9", false}, {"2001:db8::1", false}, {"2001:db8:1::1", true}, {"::1", true},
	};
	static struct spec slice;
	const struct spec *const both[] = {&spec, &slice};
	struct filter filter;
	struct failure failure;
	uint32_t origin;
	uint16_t item;

	begin();
	spec_init(&slice);
	slice.filters = calloc(1, sizeof *slice.filters);
	EXPECT(slice.filters);
	add(&spec.filters->ip_allow, "10.1.2.0/24");
	add(&spec.filters->ip_deny, "10.0.0.0/8");
	add(&spec.filters->ip_allow, "2001:db8:1::/48");
	add(&slice.filters->ip_deny, "192.168.0.0/16");
	add(&slice.filters->ip_deny, "2001:db8::/32");
	add(&slice.filters->ip_deny, "10.1.2.3/32");
	spec.filters->ip_accounting = true;
	EXPECT(filter_wanted(both, 2) && filter_compile(both, 2, &filter, &failure, &origin, &item) == 0);
	EXPECT(filter.n == 2);
	for (size_t egress = 0; egress < 2; egress++) {
		struct packet packet = {.program = &filter.items[egress]};
		uint64_t passed = 0;

		EXPECT(filter.items[egress].attach ==
		       (egress ? BPF_CGROUP_INET_EGRESS : BPF_CGROUP_INET_INGRESS));
		for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
			if (passes(&packet, egress, table[i].peer) != table[i].passes) {
				printf("# %s\n", table[i].peer);
				EXPECT(!"judged as the table says");
			}
			passed += table[i].passes;
		}
		EXPECT((egress ? packet.counters.egress_packets : packet.counters.ingress_packets) == passed);
		EXPECT((egress ? packet.counters.egress_bytes : packet.counters.ingress_bytes) ==
		       100 * passed);
		EXPECT((egress ? packet.counters.ingress_bytes : packet.counters.egress_bytes) == 0);
	}
	EXPECT(strstr(filter.items[1].words, "10.0.0.0/8") &&
	       strstr(filter.items[1].words, "but for 10.1.2.0/24"));
	filter_deinit(&filter);
	spec_deinit(&slice);
}

TEST(a_list_of_allowed_addresses_alone_needs_no_filter)
{
	begin();
	add(&spec.filters->ip_allow, "10.0.0.0/8");
	EXPECT(!filter_wanted(specs, 1));
}

TEST(prefixes)
{
	static const char *const good[][2] = {
		{"10.1.2.3/8", "10.0.0.0/8"},	      {"10.1.2.3", "10.1.2.3/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},	      {"::1", "::1/128"},
		{"2001:DB8::ff/33", "2001:db8::/33"}, {"255.255.255.255/31", "255.255.255.254/31"}};
	static const char *const bad[] = {"",	     "10",	    "10.0.0.0/33", "10.0.0.0/",
					  "1.2.3",   "10.0.0.0/-1", "::/129",	   "1.2.3.4.5",
					  "::1/8/8", "host",	    "1.2.3.4/0x8", "/8"};
	struct filter_prefix prefix;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_free_ char *text = NULL;

		EXPECT(filter_text_prefix(good[i][0], &prefix) == 0);
		EXPECT_TEXT(text = filter_text_print_prefix(&prefix), good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(filter_text_prefix(bad[i], &prefix) == -EINVAL);
}

/* --- sockets ------------------------------------------------------------------------------------------- */

/* All programs of the spec. */
static struct filter compile_all(void)
{
	struct failure failure = {};
	struct filter filter;
	uint32_t origin;
	uint16_t item;

	EXPECT(filter_compile(specs, 1, &filter, &failure, &origin, &item) == 0);
	return filter;
}

static const struct filter_program *program_at(const struct filter *filter, uint32_t attach)
{
	for (size_t i = 0; i < filter->n; i++)
		if (filter->items[i].attach == attach)
			return &filter->items[i];
	EXPECT(!"a program that is attached there");
	return NULL;
}

static bool binds(const struct filter *filter, int family, int protocol, uint16_t port)
{
	struct bpf_sock_addr context = {.user_port = htons(port), .protocol = (uint32_t)protocol};

	return machine_run(
		       &program_at(filter, family == AF_INET ? BPF_CGROUP_INET4_BIND : BPF_CGROUP_INET6_BIND)
				->code,
		       &context, NULL, NULL) == 1;
}

TEST(ports_are_allowed_then_denied_then_allowed)
{
	static const struct {
		int family, protocol;
		uint16_t port;
		bool binds;
	} table[] = {
		{AF_INET, IPPROTO_TCP, 80, true},     {AF_INET, IPPROTO_TCP, 81, false},
		{AF_INET, IPPROTO_UDP, 80, false},    {AF_INET6, IPPROTO_TCP, 80, false},
		{AF_INET6, IPPROTO_TCP, 8000, true},  {AF_INET6, IPPROTO_UDP, 8099, true},
		{AF_INET6, IPPROTO_UDP, 8100, true},  {AF_INET, IPPROTO_UDP, 8100, true},
		{AF_INET, IPPROTO_TCP, 1023, false},  {AF_INET, IPPROTO_TCP, 1024, true},
		{AF_INET6, IPPROTO_UDP, 5000, false}, {AF_INET, IPPROTO_UDP, 5000, true},
	};
	struct filter filter;

	begin();
	add(&spec.filters->bind_allow, "ipv4:tcp:80");
	add(&spec.filters->bind_allow, "8000-8099");
	add(&spec.filters->bind_deny, "1-1023");
	add(&spec.filters->bind_deny, "ipv6:udp:5000-6000");
	filter = compile_all();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (binds(&filter, table[i].family, table[i].protocol, table[i].port) != table[i].binds) {
			printf("# row %zu\n", i);
			EXPECT(!"decided as the table says");
		}
	filter_deinit(&filter);
	begin();
	add(&spec.filters->bind_deny, "any");
	filter = compile_all();
	EXPECT(!binds(&filter, AF_INET, IPPROTO_TCP, 0) && !binds(&filter, AF_INET6, IPPROTO_UDP, 65535));
	filter_deinit(&filter);
	begin();
	add(&spec.filters->bind_allow, "any");
	EXPECT(!filter_wanted(specs, 1));
}

static uint64_t interface_helper(int32_t number, const uint64_t arguments[5], void *data)
{
	EXPECT(number == BPF_FUNC_map_lookup_elem && arguments[0] == 0);
	return *(uint32_t *)(uintptr_t)arguments[1] == *(uint32_t *)data;
}

TEST(packets_go_through_listed_interfaces_or_through_others)
{
	struct __sk_buff listed = {.ifindex = 7}, other = {.ifindex = 8};
	uint32_t in_map = 7;

	for (int deny = 0; deny < 2; deny++) {
		struct filter filter;

		begin();
		if (deny)
			add(&spec.filters->interfaces, "~");
		add(&spec.filters->interfaces, "eth7");
		filter = compile_all();
		EXPECT(filter.n == 2);
		for (size_t i = 0; i < filter.n; i++) {
			EXPECT(filter.items[i].n_maps == 1 &&
			       filter.items[i].maps[0].kind == FILTER_MAP_INTERFACES);
			EXPECT_TEXT(((char **)filter.items[i].maps[0].keys)[0], "eth7");
			EXPECT(machine_run(&filter.items[i].code, &listed, interface_helper, &in_map) ==
			       !deny);
			EXPECT(machine_run(&filter.items[i].code, &other, interface_helper, &in_map) ==
			       (uint64_t)deny);
		}
		filter_deinit(&filter);
	}
}

/* --- files --------------------------------------------------------------------------------------------- */

/* A kernel of the test's own: each structure holds a pointer to the next at its second word. */
static uint64_t files_helper(int32_t number, _unused_ const uint64_t arguments[5], void *data)
{
	EXPECT(number == BPF_FUNC_get_current_task_btf || number == BPF_FUNC_task_storage_get);
	return number == BPF_FUNC_task_storage_get ? *(bool *)data : 4711;
}

static bool opens(const struct filter_program *program, uint64_t magic, bool launching)
{
	uint64_t superblock[] = {0, magic}, inode[] = {0, (uintptr_t)superblock},
		 file[] = {0, (uintptr_t)inode}, context[] = {(uintptr_t)file};

	return machine_run(&program->code, context, files_helper, &launching) == 1;
}

TEST(files_are_opened_on_listed_file_systems_or_on_others)
{
	const struct filter_files_offsets offsets = {.inode = 8, .superblock = 8, .magic = 8};
	char *names[] = {(char *)"btrfs", (char *)"minix", NULL};

	for (int deny = 0; deny < 2; deny++) {
		struct filter filter = {};
		struct filter_program *program =
			filter_append(&filter, "svcd_files", BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, 0);

		EXPECT(program && filter_files_assemble(program, &offsets, deny, names) == 0);
		EXPECT(opens(program, 0x9123683e, false) == !deny && opens(program, 0x4d5a, false) == !deny);
		EXPECT(opens(program, 0xef53, false) == deny && opens(program, 0, false) == deny);
		EXPECT(opens(program, 0xef53, true) && opens(program, 0x9123683e, true));
		filter_deinit(&filter);
	}
}

TEST(file_systems_are_sorted_and_in_known_groups)
{
	for (size_t i = 0; i < filter_n_magics; i++) {
		EXPECT(i == 0 || strcmp(filter_magics[i - 1].name, filter_magics[i].name) < 0);
		EXPECT(filter_magics[i].numbers[0]);
		EXPECT(!filter_magics[i].group || filter_magics[i].group[0] == '@');
		EXPECT(filter_magic_in_group(&filter_magics[i], "@known"));
	}
	EXPECT(filter_magic_is_group("@temporary") && !filter_magic_is_group("@temp") &&
	       !filter_magic_is_group("tmpfs"));
}

TEST(the_kernel_describes_its_types)
{
	_cleanup_(cleanup_btf_free) struct btf *btf = NULL;
	struct failure failure;

	if (btf_open(&btf, &failure) < 0)
		SKIP("no BTF of the kernel here");
	EXPECT(btf_find_member(btf, "file", "f_inode") >= 0 &&
	       btf_find_member(btf, "super_block", "s_magic") > 0);
	EXPECT(btf_find_member(btf, "file", "no_such_member") == -ENOENT);
	EXPECT(btf_find_member(btf, "no_such_struct", "x") == -ENOENT);
	EXPECT(btf_find_function(btf, "no_such_function") == -ENOENT);
}

TEST(what_makes_the_rules_others)
{
	uint64_t none, allow, deny;

	begin();
	none = filter_rules(specs, 1);
	add(&spec.filters->bind_allow, "80");
	allow = filter_rules(specs, 1);
	begin();
	add(&spec.filters->bind_deny, "80");
	deny = filter_rules(specs, 1);
	EXPECT(none != allow && allow != deny && none != deny);
	begin();
	EXPECT(filter_rules(specs, 1) == none);
	spec.private_devices = true;
	EXPECT(filter_rules(specs, 1) != none);
}

/* --- the kernel ---------------------------------------------------------------------------------------- */

static int load(const struct filter_program *program, struct failure *failure)
{
	static const uint32_t types[] = {[FILTER_MAP_PREFIXES] = BPF_MAP_TYPE_LPM_TRIE,
					 [FILTER_MAP_INTERFACES] = BPF_MAP_TYPE_HASH,
					 [FILTER_MAP_COUNTERS] = BPF_MAP_TYPE_CGROUP_STORAGE};
	int maps[FILTER_MAPS], fd;
	struct bpf_source source = {.name = program->name,
				    .type = program->type,
				    .attach = program->attach,
				    .btf_id = program->btf_id,
				    .insns = program->code.insns,
				    .n = program->code.n,
				    .maps = maps,
				    .n_maps = program->n_maps};

	for (unsigned i = 0; i < program->n_maps; i++) {
		const struct filter_map *map = &program->maps[i];
		bool counters = map->kind == FILTER_MAP_COUNTERS, prefixes = map->kind == FILTER_MAP_PREFIXES;

		maps[i] = map->kind == FILTER_MAP_LAUNCHING
				  ? bpf_map_new_task_storage("svcd_test")
				  : bpf_map_new(&(struct bpf_map_shape){
					    .name = "svcd_test",
					    .type = types[map->kind],
					    .key_size = prefixes   ? map->key_size
							: counters ? 8
								   : 4,
					    .value_size = counters ? sizeof(struct filter_counters) : 1,
					    .n = !counters,
					    .flags = prefixes ? BPF_F_NO_PREALLOC : 0,
				    });
	}
	fd = bpf_load(&source, failure);
	for (unsigned i = 0; i < program->n_maps; i++)
		close(maps[i]);
	return fd;
}

/* Every program of the spec passes the kernel's own verifier. */
static void expect_loads(void)
{
	struct filter filter = compile_all();
	struct failure failure = {};

	EXPECT(filter.n > 0);
	for (size_t i = 0; i < filter.n; i++) {
		int fd = load(&filter.items[i], &failure);

		if (fd == -EPERM || fd == -ENOSYS)
			SKIP("no privilege to load a program");
		if (fd < 0)
			printf("# %s: %s\n", filter.items[i].name, failure.text);
		EXPECT(fd >= 0);
		close(fd);
	}
	filter_deinit(&filter);
}

TEST(the_kernel_takes_all_filters)
{
	for (int policy = SPEC_DEVICE_CLOSED; policy <= SPEC_DEVICE_STRICT; policy++) {
		begin();
		spec.device_policy = (enum spec_device_policy)policy;
		expect_loads();
	}
	add(&spec.filters->device_allow, "char-* rw");
	add(&spec.filters->ip_deny, "10.0.0.0/8");
	add(&spec.filters->bind_deny, "any");
	expect_loads();
	spec.filters->ip_accounting = true;
	add(&spec.filters->ip_allow, "10.0.0.0/16");
	add(&spec.filters->bind_allow, "any");
	add(&spec.filters->interfaces, "lo");
	expect_loads();
	add(&spec.filters->ip_deny, "::/0");
	add(&spec.filters->ip_allow, "fe80::/64");
	add(&spec.filters->bind_deny, "ipv4:tcp");
	add(&spec.filters->bind_allow, "ipv6:tcp:80");
	expect_loads();
}

TEST(the_kernel_says_what_is_wrong)
{
	struct filter_program program = {
		.name = "svcd_test", .type = BPF_PROG_TYPE_CGROUP_DEVICE, .attach = BPF_CGROUP_DEVICE};
	struct failure failure = {};
	int fd;

	bpf_code_set(&program.code, BPF_REG_0, 7);
	fd = load(&program, &failure);
	bpf_code_deinit(&program.code);
	EXPECT(fd < 0);
	EXPECT_TEXT(
		failure.text,
		fd == -EPERM
			? "the kernel does not take the filter svcd_test"
			: "the kernel does not take the filter svcd_test (last insn is not an exit or jmp)");
}

TEST_MAIN
