/* Filters of control groups: the rules' texts, and the programs made of them, run by a model of the kernel's machine over tables of
 * what may happen. */
#include <unistd.h>

#include "base/text.h"
#include "engine/bpf.h"
#include "engine/filter-device.h"
#include "engine/filter-text.h"
#include "tests/unit/bpf-machine.h"

static struct spec spec;

static void begin(void)
{
	spec_deinit(&spec);
	spec_init(&spec);
}

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
	spec.filters.device_policy = SPEC_DEVICE_STRICT;
	code = make_devices();
	EXPECT(!device(&code, CHAR, R, 1, 3) && !device(&code, BLOCK, M, 0, 0));
	bpf_code_deinit(&code);
	add(&spec.filters.device_allow, "/dev/null r");
	add(&spec.filters.device_allow, "char-mem w");
	add(&spec.filters.device_allow, "block-s? rm");
	add(&spec.filters.device_allow, "char-254 rw");
	add(&spec.filters.device_allow, "/dev/there-is-none rwm");
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
	spec.filters.device_policy = SPEC_DEVICE_CLOSED;
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
	EXPECT(!filter_wanted(&spec) && filter_device_policy(&spec) == SPEC_DEVICE_AUTO);
	spec.private_devices = true;
	EXPECT(filter_wanted(&spec) && filter_device_policy(&spec) == SPEC_DEVICE_CLOSED);
	begin();
	spec.protect_clock = true;
	EXPECT(filter_device_policy(&spec) == SPEC_DEVICE_CLOSED);
	code = make_devices();
	EXPECT(device(&code, CHAR, R, 254, 0) && !device(&code, CHAR, W, 254, 0) &&
	       device(&code, CHAR, R, 1, 3));
	bpf_code_deinit(&code);
	begin();
	add(&spec.filters.device_allow, "char-* rw");
	EXPECT(filter_device_policy(&spec) == SPEC_DEVICE_CLOSED);
	code = make_devices();
	EXPECT(device(&code, CHAR, R | W, 200, 0) && !device(&code, BLOCK, R, 8, 0));
	bpf_code_deinit(&code);
}

/* A program of each kind passes the kernel's own verifier. */
TEST(the_kernel_takes_the_device_filter)
{
	struct failure failure = {};
	struct bpf_code code;
	struct bpf_source source = {
		.name = "svcd_test", .type = BPF_PROG_TYPE_CGROUP_DEVICE, .attach = BPF_CGROUP_DEVICE};
	int fd;

	for (int policy = SPEC_DEVICE_CLOSED; policy <= SPEC_DEVICE_STRICT; policy++) {
		begin();
		spec.filters.device_policy = (enum spec_device_policy)policy;
		code = make_devices();
		source.insns = code.insns;
		source.n = code.n;
		fd = bpf_load(&source, &failure);
		bpf_code_deinit(&code);
		if (fd == -EPERM || fd == -ENOSYS)
			SKIP("no privilege to load a program");
		if (fd < 0)
			printf("# %s\n", failure.text);
		EXPECT(fd >= 0);
		close(fd);
	}
	code = (struct bpf_code){};
	bpf_code_set(&code, BPF_REG_0, 7);
	source.insns = code.insns;
	source.n = code.n;
	EXPECT(bpf_load(&source, &failure) < 0 && strstr(failure.text, "svcd_test"));
	bpf_code_deinit(&code);
}

TEST_MAIN
