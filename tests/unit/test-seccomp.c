/* Filters, executed by a small model of the kernel's machine over every system call number, and a few in the
 * kernel itself. */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/seccomp-groups.h"
#include "engine/seccomp-policy.h"
#include "engine/seccomp.h"
#include "tests/unit/test.h"

#define REFUSED	  (SECCOMP_RET_ERRNO | EPERM)
#define ABSENT	  (SECCOMP_RET_ERRNO | ENOSYS)
#define CAP(name) (UINT64_C(1) << CAP_##name)

/* Just the instructions that filters are made of; anything else is a bug. */
static uint32_t run(const struct seccomp_code_filter *filter, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < filter->n; pc++) {
		const struct sock_filter *i = &filter->instructions[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			EXPECT(i->k % 4 == 0 && i->k < sizeof(*data));
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			EXPECT(!"an instruction that filters are made of");
		}
	}
	EXPECT(!"the filter returns");
	return 0;
}

static struct spec spec;
static struct failure failure;
static struct compile_command command;
static struct compile_context context;

static int make(uint64_t capabilities, struct seccomp_code_filter *filter)
{
	struct build build = {.spec = &spec, .command = &command, .context = &context, .failure = &failure};
	int r = seccomp_compile(&build, capabilities, filter);

	build_deinit(&build);
	return r;
}

static uint32_t call(const struct seccomp_code_filter *filter, long number, uint64_t a0, uint64_t a1,
		     uint64_t a2, uint64_t a3)
{
	struct seccomp_policy *native;
	struct seccomp_data data = {.nr = (int)number, .args = {a0, a1, a2, a3}};

	EXPECT(seccomp_policy_new("native", &native) == 0);
	data.arch = native->table.audit_architecture;
	seccomp_policy_free(native);
	return run(filter, &data);
}

static void finish(struct seccomp_code_filter *filter)
{
	free(filter->instructions);
	*filter = (struct seccomp_code_filter){};
	spec_deinit(&spec);
}

static void add_calls(bool allow_list, const char *const *names)
{
	spec.system_call_filter.allow_list = allow_list;
	for (; *names; names++)
		EXPECT(text_list_append(&spec.system_call_filter.names, *names) == 0);
}

#define CALLS(allow_list, ...) add_calls((allow_list), (const char *const[]){__VA_ARGS__, NULL})

static void visit_nothing(struct seccomp_policy *policy, int number, void *data)
{
	(void)policy;
	(void)number;
	(void)data;
}

/* Every member of every group is a name that some architecture has, or one newer than the library; no word is
 * torn. */
TEST(groups_resolve)
{
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;

	EXPECT(seccomp_policy_new("native", &policy) == 0);
	for (size_t i = 0; i < seccomp_n_groups; i++) {
		EXPECT(seccomp_policy_visit(policy, seccomp_groups[i].name, visit_nothing, NULL) == 0);
		EXPECT(i == 0 || strcmp(seccomp_groups[i - 1].name, seccomp_groups[i].name) < 0);
		for (const char *c = seccomp_groups[i].members; *c; c++)
			EXPECT(strchr("abcdefghijklmnopqrstuvwxyz0123456789_@- ", *c));
	}
	EXPECT(seccomp_policy_visit(policy, "@nonsense", visit_nothing, NULL) == -EINVAL);
}

TEST(host_name_protected)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	spec.private_hostname = true;
	EXPECT(!seccomp_wanted(&spec));
	spec.protect_hostname = true;
	EXPECT(seccomp_wanted(&spec));
	EXPECT(make(CAP(SYS_ADMIN), &filter) == 0);
	EXPECT(call(&filter, SYS_sethostname, 0, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_setdomainname, 0, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_uname, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	finish(&filter);
}

TEST(container_default)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	spec.seccomp_default = SPEC_SECCOMP_CONTAINER;
	EXPECT(make(0, &filter) == 0);
	EXPECT(filter.n < 160);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_capset, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_prctl, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_execve, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_socket, AF_INET, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_socket, AF_VSOCK, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_unshare, 0, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_keyctl, 0, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_clone, SIGCHLD, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_clone3, 0, 0, 0, 0) == ABSENT);
	EXPECT(call(&filter, SYS_personality, UINT32_MAX, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_personality, 0x40000 /* ADDR_NO_RANDOMIZE */, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_ioctl, 0, 0x5412 /* TIOCSTI */, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_ioctl, 0, UINT64_C(0x100005412), 0, 0) == REFUSED);
	EXPECT(call(&filter, 1023, 0, 0, 0, 0) == ABSENT);
	EXPECT(call(&filter, 5000, 0, 0, 0, 0) == ABSENT);
	EXPECT(call(&filter, 0x40000000 + SYS_read, 0, 0, 0, 0) == ABSENT);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 3, .arch = 1}) == ABSENT);
	finish(&filter);
}

TEST(a_capability_opens_its_calls)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	spec.seccomp_default = SPEC_SECCOMP_CONTAINER;
	EXPECT(make(CAP(SYS_ADMIN) | CAP(SYS_CHROOT), &filter) == 0);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_chroot, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_init_module, 0, 0, 0, 0) == REFUSED);
	finish(&filter);
}

/* The code gives for every number what the table says. */
TEST(code_equals_table)
{
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;
	struct seccomp_code_filter filter = {};
	uint32_t seed = 12345;

	EXPECT(seccomp_policy_new("native", &policy) == 0);
	for (int round = 0; round < 20; round++) {
		const struct seccomp_code_table *tables[] = {&policy->table};

		/* From long ranges to a change at every number, which needs far jumps. */
		for (int i = 0; i < SECCOMP_CODE_NUMBERS; i++) {
			seed = seed * 1664525 + 1013904223;
			if (i == 0 || seed >> 16 < (uint32_t)round * 3500)
				policy->table.actions[i] = (seed >> 8) % 3
								   ? SECCOMP_RET_ERRNO | ((seed >> 8) % 41)
								   : SECCOMP_RET_ALLOW;
			else
				policy->table.actions[i] = policy->table.actions[i - 1];
		}
		EXPECT(seccomp_code_assemble(tables, 1, ABSENT, &filter) == 0);
		for (int i = 0; i < SECCOMP_CODE_NUMBERS; i++)
			EXPECT(call(&filter, i, 0, 0, 0, 0) == policy->table.actions[i]);
		EXPECT(call(&filter, SECCOMP_CODE_NUMBERS, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
		free(filter.instructions);
	}
}

TEST(user_lists)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	CALLS(true, "@basic-io", "open", "~write", "mount:ENOANO");
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_execve, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_write, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == (SECCOMP_RET_ERRNO | ENOANO));
	EXPECT(call(&filter, 5000, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	finish(&filter);

	spec_init(&spec);
	spec.system_call_errno = EACCES;
	CALLS(false, "~@mount", "umount2");
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == (SECCOMP_RET_ERRNO | EACCES));
	EXPECT(call(&filter, SYS_umount2, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, 5000, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	finish(&filter);
}

TEST(unknown_names)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"raed", "\"raed\" is no system call; did you mean \"read\"?"},
		{"~@mout", "\"@mout\" is no system call group; did you mean \"@mount\"?"},
		{"zzzzzzzzzz", "\"zzzzzzzzzz\" is no system call"},
		{"read:EFOO", "\"EFOO\" is no error number"},
		{"", "\"\" is no system call"},
		{"~", "\"\" is no system call"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seccomp_code_filter filter = {};

		spec_init(&spec);
		CALLS(true, cases[i].name);
		EXPECT(make(0, &filter) == -EINVAL);
		EXPECT_TEXT(failure.text, cases[i].text);
		finish(&filter);
	}
}

TEST(restrictions)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	spec.memory_deny_write_execute = spec.restrict_realtime = spec.restrict_suid_sgid =
		spec.lock_personality = true;
	spec.restrict_namespaces = CLONE_NEWNET;
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_mmap, 0, 0, PROT_READ | PROT_EXEC, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_mmap, 0, 0, PROT_WRITE | PROT_EXEC, 0) == REFUSED);
	EXPECT(call(&filter, SYS_mprotect, 0, 0, PROT_EXEC, 0) == REFUSED);
	EXPECT(call(&filter, SYS_sched_setscheduler, 0, SCHED_BATCH, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_sched_setscheduler, 0, SCHED_FIFO, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_fchmod, 0, 0755, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_fchmod, 0, 04755, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_openat, 0, 0, 0101 /* O_CREAT */, 02755) == REFUSED);
	EXPECT(call(&filter, SYS_openat, 0, 0, 0, 02755) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_personality, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_personality, 8, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_unshare, CLONE_NEWNET, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_unshare, CLONE_NEWNET | CLONE_NEWNS, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_setns, 0, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_clone, SIGCHLD, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_clone3, 0, 0, 0, 0) == ABSENT);
	finish(&filter);
}

TEST(address_families)
{
	static const char *const allow[] = {"AF_UNIX", "AF_INET"}, *const deny[] = {"~", "AF_PACKET"};
	const uint32_t refused = SECCOMP_RET_ERRNO | EAFNOSUPPORT;
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	for (size_t i = 0; i < ARRAY_SIZE(allow); i++)
		EXPECT(text_list_append(&spec.restrict_address_families, allow[i]) == 0);
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_socket, AF_INET, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_socket, AF_PACKET, 0, 0, 0) == refused);
	EXPECT(call(&filter, SYS_io_uring_setup, 0, 0, 0, 0) == ABSENT);
	finish(&filter);

	spec_init(&spec);
	for (size_t i = 0; i < ARRAY_SIZE(deny); i++)
		EXPECT(text_list_append(&spec.restrict_address_families, deny[i]) == 0);
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_socket, AF_INET, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_socket, AF_PACKET, 0, 0, 0) == refused);
	finish(&filter);

	spec_init(&spec);
	EXPECT(text_list_append(&spec.restrict_address_families, "none") == 0);
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_socket, AF_UNIX, 0, 0, 0) == refused);
	finish(&filter);

	spec_init(&spec);
	EXPECT(text_list_append(&spec.restrict_address_families, "AF_NONSENSE") == 0);
	EXPECT(make(0, &filter) == -EINVAL);
	finish(&filter);
}

TEST(architectures)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	EXPECT(text_list_append(&spec.system_call_architectures, "nonsense") == 0);
	EXPECT(make(0, &filter) == -EINVAL);
	finish(&filter);
#ifdef __x86_64__
	spec_init(&spec);
	EXPECT(text_list_append(&spec.system_call_architectures, "native") == 0);
	EXPECT(text_list_append(&spec.system_call_architectures, "x86") == 0);
	CALLS(false, "~getpid");
	EXPECT(make(0, &filter) == 0);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 20, .arch = AUDIT_ARCH_I386}) ==
	       SECCOMP_RET_KILL_PROCESS);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 39, .arch = AUDIT_ARCH_I386}) == SECCOMP_RET_ALLOW);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 39, .arch = AUDIT_ARCH_X86_64}) ==
	       SECCOMP_RET_KILL_PROCESS);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 20, .arch = AUDIT_ARCH_AARCH64}) ==
	       SECCOMP_RET_KILL_PROCESS);
	finish(&filter);
#endif
}

#ifdef __x86_64__
TEST(other_architectures)
{
	static const char *const foreign[] = {"arm64", "x86-64", "loongarch64", "s390x", "x32"};
	struct seccomp_code_filter filter = {};

	/* Those that cannot happen here change nothing; the native one always may. */
	spec_init(&spec);
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		EXPECT(text_list_append(&spec.system_call_architectures, foreign[i]) == 0);
	CALLS(false, "~getpid", "~rt_sigaction");
	spec.memory_deny_write_execute = true;
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, 0x40000000 + SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, 0x40000000 + SYS_getpid, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(call(&filter, 0x40000000 + SYS_mmap, 0, 0, PROT_WRITE | PROT_EXEC, 0) == REFUSED);
	EXPECT(call(&filter, 0x40000000 + 512, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 3, .arch = AUDIT_ARCH_I386}) ==
	       SECCOMP_RET_KILL_PROCESS);
	finish(&filter);

	spec_init(&spec);
	EXPECT(text_list_append(&spec.system_call_architectures, "x86") == 0);
	spec.memory_deny_write_execute = true;
	EXPECT(make(0, &filter) == 0);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 90 /* mmap */, .arch = AUDIT_ARCH_I386}) == REFUSED);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 117 /* ipc */,
						   .arch = AUDIT_ARCH_I386,
						   .args = {21, 0, 0100000 /* SHM_EXEC */}}) == REFUSED);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 117, .arch = AUDIT_ARCH_I386, .args = {21}}) ==
	       SECCOMP_RET_ALLOW);
	finish(&filter);
}
#endif

TEST(logged_calls)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	CALLS(false, "~mount");
	spec.system_call_log.allow_list = true;
	EXPECT(text_list_append(&spec.system_call_log.names, "mount") == 0);
	EXPECT(text_list_append(&spec.system_call_log.names, "@swap") == 0);
	EXPECT(text_list_append(&spec.system_call_log.names, "~swapoff") == 0);
	spec.restrict_realtime = true;
	EXPECT(text_list_append(&spec.system_call_log.names, "sched_setscheduler") == 0);
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(call(&filter, SYS_swapon, 0, 0, 0, 0) == SECCOMP_RET_LOG);
	EXPECT(call(&filter, SYS_swapoff, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_sched_setscheduler, 0, SCHED_OTHER, 0, 0) == SECCOMP_RET_LOG);
	EXPECT(call(&filter, SYS_sched_setscheduler, 0, SCHED_FIFO, 0, 0) == REFUSED);
	finish(&filter);

	spec_init(&spec);
	EXPECT(text_list_append(&spec.system_call_log.names, "~@basic-io") == 0);
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == SECCOMP_RET_LOG);
	EXPECT(call(&filter, 1023, 0, 0, 0, 0) == SECCOMP_RET_LOG);
	EXPECT(call(&filter, 5000, 0, 0, 0, 0) == SECCOMP_RET_LOG);
	finish(&filter);
}

/* Every 64-bit comparison against the machine's own. */
TEST(wide_comparisons)
{
	static const uint64_t numbers[] = {0,
					   1,
					   UINT32_MAX,
					   UINT64_C(1) << 32,
					   (UINT64_C(1) << 32) + 1,
					   (UINT64_C(2) << 32) + 7,
					   UINT64_C(0x7e020000),
					   UINT64_MAX - 1,
					   UINT64_MAX};
	enum { N = ARRAY_SIZE(numbers) };
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;
	const struct seccomp_code_table *tables[1];
	struct seccomp_code_filter filter = {};

	EXPECT(seccomp_policy_new("native", &policy) == 0);
	tables[0] = &policy->table;
	for (int kind = 0; kind < 6 * N * N; kind++) {
		enum seccomp_code_test test = (enum seccomp_code_test)(1 + kind % 3);
		bool negate = kind / 3 % 2;
		uint64_t value = numbers[kind / 6 % N], mask = numbers[kind / 6 / N];
		struct seccomp_code_rule *rule;

		policy->table.n_rules = 0;
		rule = seccomp_policy_rule(policy, "read", REFUSED);
		EXPECT(rule);
		seccomp_policy_compare(rule, &(struct seccomp_code_condition){.argument = 2,
									      .negate = negate,
									      .test = test,
									      .wide_value = value & mask,
									      .wide_mask = mask});
		EXPECT(seccomp_code_assemble(tables, 1, ABSENT, &filter) == 0);
		for (int i = 0; i < N; i++) {
			uint64_t a = numbers[i], b = value & mask;
			bool holds = test == SECCOMP_CODE_EQUAL	  ? (a & mask) == b
				     : test == SECCOMP_CODE_ABOVE ? a > b
								  : a >= b;

			EXPECT(call(&filter, SYS_read, 0, 0, a, 0) ==
			       (holds != negate ? REFUSED : SECCOMP_RET_ALLOW));
		}
		free(filter.instructions);
	}
}

TEST(calls_newer_than_the_library)
{
	struct seccomp_code_filter filter = {};

	spec_init(&spec);
	CALLS(false, "~mseal", "uretprobe:EPERM", "fchmodat2");
	EXPECT(make(0, &filter) == 0);
	EXPECT(call(&filter, 462, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(call(&filter, 463, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	finish(&filter);

	spec_init(&spec);
	CALLS(true, "raed", "read:99999");
	spec.system_call_filter.ignore_unknown = true;
	EXPECT(make(0, &filter) == -EINVAL);
	EXPECT_TEXT(failure.text, "\"99999\" is no error number");
	finish(&filter);
}

static bool narrowed; /* the unit restricts besides */

/* Writes a profile and makes its filter; quotes are apostrophes. */
static int make_profile(const char *text, uint64_t capabilities, struct seccomp_code_filter *filter)
{
	char path[] = "/tmp/test-seccomp.XXXXXX";
	_cleanup_free_ char *quoted = strdup(text);
	int fd = mkstemp(path), r;

	EXPECT(fd >= 0 && quoted);
	for (char *c = quoted; *c; c++)
		if (*c == '\'')
			*c = '"';
	EXPECT(write(fd, quoted, strlen(quoted)) == (ssize_t)strlen(quoted));
	close(fd);
	spec_init(&spec);
	spec.seccomp_default = SPEC_SECCOMP_PROFILE;
	EXPECT(text_set(&spec.seccomp_profile, path) == 0);
	if (narrowed) {
		CALLS(false, "~openat:ENOANO", "~lseek");
		spec.restrict_namespaces = CLONE_NEWNET;
		spec.lock_personality = true;
	}
	r = make(capabilities, filter);
	unlink(path);
	return r;
}

TEST(profiles)
{
	static const char profile[] =
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 13,"
		" 'archMap': [{'architecture': 'SCMP_ARCH_X86_64', 'subArchitectures': ['SCMP_ARCH_X86', 'SCMP_ARCH_X32']},"
		"             {'architecture': 'SCMP_ARCH_AARCH64', 'subArchitectures': ['SCMP_ARCH_ARM']}],"
		" 'flags': ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC'],"
		" 'syscalls': ["
		"  {'names': ['read', 'write', 'no_such_call'], 'action': 'SCMP_ACT_ALLOW', 'comment': 'x', 'args': []},"
		"  {'name': 'close', 'action': 'SCMP_ACT_LOG'},"
		"  {'names': ['ptrace'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'minKernel': '4.8'}},"
		"  {'names': ['kcmp'], 'action': 'SCMP_ACT_ALLOW', 'excludes': {'minKernel': '4.8'}},"
		"  {'names': ['chroot'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'caps': ['CAP_SYS_CHROOT']}},"
		"  {'names': ['reboot'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'caps': ['CAP_SYS_BOOT', 'CAP_SYS_CHROOT']}},"
		"  {'names': ['clone'], 'action': 'SCMP_ACT_ALLOW', 'excludes': {'caps': ['CAP_SYS_ADMIN']},"
		"   'args': [{'index': 0, 'value': 2114060288, 'op': 'SCMP_CMP_MASKED_EQ'}]},"
		"  {'names': ['clone3'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38},"
		"  {'names': ['acct'], 'action': 'SCMP_ACT_ERRNO', 'errno': 'ENOANO'},"
		"  {'names': ['personality'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 0, 'op': 'SCMP_CMP_EQ'}]},"
		"  {'names': ['personality'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 4294967295, 'op': 'SCMP_CMP_EQ'}]},"
		"  {'names': ['socket'], 'action': 'SCMP_ACT_ALLOW', 'args': ["
		"    {'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, {'index': 0, 'value': 2, 'op': 'SCMP_CMP_EQ'}]},"
		"  {'names': ['lseek'], 'action': 'SCMP_ACT_ALLOW', 'args': ["
		"    {'index': 0, 'value': 3, 'op': 'SCMP_CMP_GE'}, {'index': 1, 'value': 4294967296, 'op': 'SCMP_CMP_LT'}]},"
		"  {'names': ['kexec_load'], 'action': 'SCMP_ACT_KILL_PROCESS'},"
		"  {'names': ['init_module'], 'action': 'SCMP_ACT_KILL'},"
		"  {'names': ['delete_module'], 'action': 'SCMP_ACT_TRAP'},"
		"  {'names': ['swapon'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'arches': ['s390', 'sparc']}}"
		" ]}";
	const uint32_t other = SECCOMP_RET_ERRNO | EACCES;
	struct seccomp_code_filter filter = {};

	EXPECT_TEXT(make_profile(profile, CAP(SYS_CHROOT), &filter) == 0 ? "" : failure.text, "");
	EXPECT(filter.flags == SECCOMP_FILTER_FLAG_LOG);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_mount, 0, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_close, 0, 0, 0, 0) == SECCOMP_RET_LOG);
	EXPECT(call(&filter, SYS_ptrace, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_kcmp, 0, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_chroot, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_reboot, 0, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_swapon, 0, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_clone, SIGCHLD, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_clone3, 0, 0, 0, 0) == ABSENT);
	EXPECT(call(&filter, SYS_acct, 0, 0, 0, 0) == (SECCOMP_RET_ERRNO | ENOANO));
	EXPECT(call(&filter, SYS_personality, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_personality, UINT32_MAX, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_personality, 8, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_socket, AF_UNIX, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_socket, AF_INET, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_socket, AF_PACKET, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_lseek, 3, UINT32_MAX, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_lseek, 3, UINT64_C(1) << 32, 0, 0) == other);
	EXPECT(call(&filter, SYS_lseek, 2, 0, 0, 0) == other);
	EXPECT(call(&filter, SYS_kexec_load, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(call(&filter, SYS_init_module, 0, 0, 0, 0) == SECCOMP_RET_KILL_THREAD);
	EXPECT(call(&filter, SYS_delete_module, 0, 0, 0, 0) == SECCOMP_RET_TRAP);
	EXPECT(call(&filter, 1000, 0, 0, 0, 0) == ABSENT);
#ifdef __x86_64__
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 3 /* read */, .arch = AUDIT_ARCH_I386}) ==
	       SECCOMP_RET_ALLOW);
	EXPECT(run(&filter, &(struct seccomp_data){.nr = 21 /* mount */, .arch = AUDIT_ARCH_I386}) == other);
	EXPECT(call(&filter, 0x40000000 + SYS_read, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, 0x40000000 + SYS_mount, 0, 0, 0, 0) == other);
#endif
	finish(&filter);
}

/* What the unit says besides can only narrow it. */
TEST(profiles_and_lists)
{
	static const char profile[] =
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': ["
		"  {'names': ['clone'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 2114060288, 'op': 'SCMP_CMP_MASKED_EQ'}]},"
		"  {'names': ['personality', 'openat'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 2, 'value': 0, 'op': 'SCMP_CMP_EQ'}]},"
		"  {'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 5},"
		"  {'names': ['read'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 0, 'op': 'SCMP_CMP_EQ'}]}]}";
	struct seccomp_code_filter filter = {};

	narrowed = true;
	EXPECT(make_profile(profile, 0, &filter) == 0);
	narrowed = false;
	EXPECT(call(&filter, SYS_clone, SIGCHLD, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_unshare, CLONE_NEWNET, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_openat, 0, 0, 0, 0) == (SECCOMP_RET_ERRNO | ENOANO));
	EXPECT(call(&filter, SYS_lseek, 0, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS);
	EXPECT(call(&filter, SYS_personality, 0, 0, 0, 0) == SECCOMP_RET_ALLOW);
	EXPECT(call(&filter, SYS_personality, 8, 0, 0, 0) == REFUSED);
	EXPECT(call(&filter, SYS_read, 0, 0, 0, 0) == (SECCOMP_RET_ERRNO | EIO));
	finish(&filter);
}

TEST(bad_profiles)
{
	static const struct {
		const char *profile, *text;
	} cases[] = {
		{"", "no valid JSON"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW',\n\n oops}", ":3: no valid JSON"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW'} tail", "no valid JSON"},
		{"[]", "this should be an object"},
		{"{}", "defaultAction: the key is missing"},
		{"{'defaultAction': 7}", "defaultAction: this should be a text"},
		{"{'defaultAction': 'SCMP_ACT_PERHAPS'}", "defaultAction: this is no SCMP_ACT_* action"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'sycalls': []}", "sycalls: this key is not known"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'defaultErrnoRet': 5000}",
		 "defaultErrnoRet: the number is out of range"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'defaultErrnoRet': -1}",
		 "defaultErrnoRet: the number is out of range"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_Z80']}",
		 "architectures: this is no SCMP_ARCH_* architecture"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['FAST']}",
		 "flags: this is no SECCOMP_FILTER_FLAG_*"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/run/x'}",
		 "listenerPath: only SCMP_ACT_NOTIFY"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read']}]}",
		 "syscalls[0].action: the key is missing"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_NOTIFY'}]}",
		 "syscalls[0].action: SCMP_ACT_NOTIFY needs"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_TRACE'}]}",
		 "syscalls[0].action: SCMP_ACT_TRACE needs"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'action': 'SCMP_ACT_LOG'}]}",
		 "syscalls[0].names: the key is missing"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['Re ad'], 'action': 'SCMP_ACT_LOG'}]}",
		 "syscalls[0].names: a name has"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_LOG', "
		 "'args': [{'index': 6, 'value': 0, 'op': 'SCMP_CMP_EQ'}]}]}",
		 "syscalls[0].args[0].index: the number is out of range"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_LOG', "
		 "'args': [{'index': 0, 'value': 0, 'op': '=='}]}]}",
		 "syscalls[0].args[0].op: this is no SCMP_CMP_* comparison"},
		{"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_LOG', "
		 "'includes': {'minKernel': 'new'}}]}",
		 "syscalls[0].minKernel: this is no version"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seccomp_code_filter filter = {};

		EXPECT(make_profile(cases[i].profile, 0, &filter) == -EINVAL);
		if (!strstr(failure.text, cases[i].text))
			EXPECT_TEXT(failure.text, cases[i].text);
		finish(&filter);
	}
	spec_init(&spec);
	spec.seccomp_default = SPEC_SECCOMP_PROFILE;
	EXPECT(text_set(&spec.seccomp_profile, "/nonexistent/profile.json") == 0);
	EXPECT(make(0, &(struct seccomp_code_filter){}) == -ENOENT);
	EXPECT_TEXT(failure.text, "the seccomp profile /nonexistent/profile.json cannot be read");
	spec_deinit(&spec);
}

/* The kernel takes the filter, and does what the model does. */
TEST(in_the_kernel)
{
	struct seccomp_code_filter filter = {};
	int status = 0;
	pid_t pid;

	spec_init(&spec);
	spec.seccomp_default = SPEC_SECCOMP_CONTAINER;
	spec.restrict_suid_sgid = true;
	EXPECT(make(0, &filter) == 0);
	pid = fork();
	if (pid == 0) {
		struct sock_fprog program = {.len = (unsigned short)filter.n, .filter = filter.instructions};
		bool good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
			    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;

		good = good && unshare(CLONE_NEWUSER) < 0 && errno == EPERM;
		good = good && syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS;
		good = good && syscall(SYS_fchmod, -1, 04755) < 0 && errno == EPERM;
		good = good && syscall(SYS_fchmod, -1, 0755) < 0 && errno == EBADF;
		_exit(good ? 0 : 1);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	finish(&filter);
}

TEST_MAIN
