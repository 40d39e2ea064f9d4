/* What every limit writes, from the line in a unit file to the file of a group: into a folder of ordinary files that stands for one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"
#include "test.h"
#include "units/directive.h"
#include "units/load.h"

static const struct test_limit {
	const char *line, *file, *text;
	const char *reset; /* what is written when the line is gone */
} test_limits[] = {
	{"CPUWeight=200", "cpu.weight", "200", "100"},
	{"CPUWeight=idle", "cpu.idle", "1", "0"},
	{"StartupCPUWeight=20", "cpu.weight", "20", "100"},
	{"CPUShares=2048", "cpu.weight", "200", "100"},
	{"StartupCPUShares=512", "cpu.weight", "50", "100"},
	{"CPUQuota=20%", "cpu.max", "20000 100000", "max 100000"},
	{"CPUQuota=150%\nCPUQuotaPeriodSec=10ms", "cpu.max", "15000 10000", "max 100000"},
	{"CPUQuota=1%\nCPUQuotaPeriodSec=10s", "cpu.max", "10000 1000000", "max 100000"},
	{"CPUQuotaBurstSec=20ms\nCPUQuota=50%", "cpu.max.burst", "20000", "0"},
	{"AllowedCPUs=0-1 3", "cpuset.cpus", "0-1,3", "\n"},
	{"StartupAllowedCPUs=2", "cpuset.cpus", "2", "\n"},
	{"AllowedMemoryNodes=0", "cpuset.mems", "0", "\n"},
	{"StartupAllowedMemoryNodes=0", "cpuset.mems", "0", "\n"},
	{"CPUSetPartition=isolated", "cpuset.cpus.partition", "isolated", "member"},
	{"CPUSetPartition=root", "cpuset.cpus.partition", "root", "member"},
	{"MemoryMin=1M", "memory.min", "1048576", "0"},
	{"MemoryLow=infinity", "memory.low", "max", "0"},
	{"StartupMemoryLow=2M", "memory.low", "2097152", "0"},
	{"MemoryHigh=1G", "memory.high", "1073741824", "max"},
	{"StartupMemoryHigh=1K", "memory.high", "1024", "max"},
	{"MemoryMax=infinity", "memory.max", "max", "max"},
	{"MemoryMax=64M", "memory.max", "67108864", "max"},
	{"MemoryLimit=64M", "memory.max", "67108864", "max"},
	{"StartupMemoryMax=32M", "memory.max", "33554432", "max"},
	{"MemorySwapMax=0", "memory.swap.max", "0", "max"},
	{"StartupMemorySwapMax=1M", "memory.swap.max", "1048576", "max"},
	{"MemoryZSwapMax=0", "memory.zswap.max", "0", "max"},
	{"StartupMemoryZSwapMax=1M", "memory.zswap.max", "1048576", "max"},
	{"MemoryZSwapWriteback=no", "memory.zswap.writeback", "0", "1"},
	{"OOMPolicy=kill", "memory.oom.group", "1", "0"},
	{"IOWeight=300", "io.weight", "default 300", "default 100"},
	{"StartupIOWeight=30", "io.weight", "default 30", "default 100"},
	{"BlockIOWeight=1000", "io.weight", "default 200", "default 100"},
	{"StartupBlockIOWeight=10", "io.weight", "default 2", "default 100"},
	{"IODeviceWeight=@DISK@ 500", "io.weight", "7:0 500", "7:0 default"},
	{"BlockIODeviceWeight=@DISK@ 500", "io.weight", "7:0 100", "7:0 default"},
	{"IOReadBandwidthMax=@DISK@ 1M", "io.max", "7:0 rbps=1000000", "7:0 rbps=max"},
	{"BlockIOReadBandwidth=@DISK@ 1K", "io.max", "7:0 rbps=1000", "7:0 rbps=max"},
	{"IOWriteBandwidthMax=@DISK@ infinity", "io.max", "7:0 wbps=max", "7:0 wbps=max"},
	{"BlockIOWriteBandwidth=@DISK@ 5", "io.max", "7:0 wbps=5", "7:0 wbps=max"},
	{"IOReadIOPSMax=@DISK@ 100", "io.max", "7:0 riops=100", "7:0 riops=max"},
	{"IOWriteIOPSMax=@DISK@ 1K", "io.max", "7:0 wiops=1000", "7:0 wiops=max"},
	{"IODeviceLatencyTargetSec=@DISK@ 25ms", "io.latency", "7:0 target=25000", "7:0 target=0"},
	{"TasksMax=100", "pids.max", "100", "max"},
	{"TasksMax=infinity", "pids.max", "max", "max"},
	{"HugeTLBMax=2M 64M", "hugetlb.2MB.max", "67108864", "max"},
	{"HugeTLBReservedMax=1GB infinity", "hugetlb.1GB.rsvd.max", "max", "max"},
	{"RDMAHandlesMax=mlx5_0 2", "rdma.max", "mlx5_0 hca_handle=2", "mlx5_0 hca_handle=max"},
	{"RDMAObjectsMax=mlx5_0 infinity", "rdma.max", "mlx5_0 hca_object=max", "mlx5_0 hca_object=max"},
	{"MiscMax=sev 10", "misc.max", "sev 10", "sev max"},
};

/* Directives that write no file of their own. */
static const char *const without_file[] = {
	"CPUAccounting",
	"MemoryAccounting",
	"IOAccounting",
	"TasksAccounting",
	"BlockIOAccounting",
	"DisableControllers",
	"DefaultMemoryMin",
	"DefaultMemoryLow",
	"DefaultStartupMemoryLow",
	"CPUQuotaPeriodSec",
	"CoredumpReceive",
	"ManagedOOMMemoryPressure",
	"ManagedOOMMemoryPressureLimit",
	"ManagedOOMMemoryPressureDurationSec",
	"ManagedOOMPreference",
};

static char folder[64];
static int folder_fd = -1;
static bool have_disk;
static const struct cgroup_tree tree = {.root_fd = -1, .path = (char *)"/fake"};

static void make_folder(void)
{
	if (folder_fd >= 0)
		return;
	snprintf(folder, sizeof folder, "/tmp/test-limits.XXXXXX");
	EXPECT(mkdtemp(folder));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	have_disk = mknodat(folder_fd, "disk", S_IFBLK | 0600, makedev(7, 0)) == 0;
}

__attribute__((destructor)) static void remove_folder(void)
{
	if (folder_fd < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(test_limits); i++)
		unlinkat(folder_fd, test_limits[i].file, 0);
	unlinkat(folder_fd, "cpu.idle", 0);
	unlinkat(folder_fd, "disk", 0);
	rmdir(folder);
	close(folder_fd);
}

static void empty_file(const char *name)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	EXPECT(fd >= 0);
	close(fd);
}

static struct unit_config *load(const char *line)
{
	struct unit_config *config = NULL;
	const char *disk = strstr(line, "@DISK@");
	char text[512];

	if (disk)
		snprintf(text, sizeof text, "[Service]\nExecStart=/x\n%.*s%s/disk%s\n", (int)(disk - line),
			 line, folder, disk + strlen("@DISK@"));
	else
		snprintf(text, sizeof text, "[Service]\nExecStart=/x\n%s\n", line);
	EXPECT(unit_load_text(NULL, "a.service", text, strlen(text), &config) == 0);
	EXPECT_TEXT(config->load_failure ? config->load_failure->text : "", "");
	return config;
}

static void expect_file(const char *name, const char *expected)
{
	char *text = NULL;

	EXPECT(fd_read_file_at(folder_fd, name, 4096, &text) >= 0);
	EXPECT_TEXT(text, expected);
	free(text);
}

static struct cgroup_wish wish_of(const struct unit_config *config)
{
	return (struct cgroup_wish){.limits = spec_limits(&config->spec),
				    .startup = true,
				    .memory_min = SPEC_UNSET,
				    .memory_low = SPEC_UNSET,
				    .delegate_to = (uid_t)-1};
}

TEST(every_limit_has_its_file_and_is_reset)
{
	struct unit_config *plain;
	struct cgroup_wish none;

	make_folder();
	plain = load("Nice=0");
	none = wish_of(plain);
	EXPECT(cgroup_needed(&none) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(test_limits); i++) {
		const struct test_limit *limit = &test_limits[i];
		struct unit_config *config;
		struct cgroup_wish wish;
		struct failure why = {};
		unsigned written = 0;

		if (strstr(limit->line, "@DISK@") && !have_disk)
			continue;
		config = load(limit->line);
		wish = wish_of(config);
		EXPECT(cgroup_needed(&wish) != 0);
		EXPECT(cgroup_first_limit(&wish) != PROGRAM_NO_ORIGIN);
		empty_file("cpu.max");
		empty_file("cpu.weight");
		empty_file(limit->file);
		if (cgroup_limits_write(&tree, folder_fd, "a", NULL, &wish, &why, NULL, &written) < 0)
			printf("# %s: %s\n", limit->line, why.text);
		expect_file(limit->file, limit->text);
		/* The same again writes nothing. */
		empty_file(limit->file);
		EXPECT(cgroup_limits_write(&tree, folder_fd, "a", &wish, &wish, &why, NULL, &written) == 0);
		EXPECT(written == 0);
		expect_file(limit->file, "");
		EXPECT(cgroup_limits_write(&tree, folder_fd, "a", &wish, &none, &why, NULL, &written) == 0);
		expect_file(limit->file, limit->reset);
		unit_config_free(config);
	}
	unit_config_free(plain);
}

TEST(every_directive_of_a_group_is_tried)
{
	for (size_t i = 0; i < directive_count; i++) {
		const struct directive *directive = &directive_table[i];
		size_t length = strlen(directive->name);
		bool found = false;

		if (directive->group != &directive_group_limits || directive->applies != APPLIES_CGROUP ||
		    strcmp(directive->section, "Service") != 0)
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(without_file); j++)
			found |= strcmp(without_file[j], directive->name) == 0;
		for (size_t j = 0; j < ARRAY_SIZE(test_limits); j++)
			found |= strncmp(test_limits[j].line, directive->name, length) == 0 &&
				 test_limits[j].line[length] == '=';
		if (!found)
			printf("# %s= is not in this test\n", directive->name);
		EXPECT(found);
	}
}

TEST(a_missing_file_names_the_directive)
{
	struct unit_config *config;
	struct cgroup_wish wish;
	struct failure why = {};
	uint32_t origin = 0;
	char where[256];
	const char *directive = NULL;

	make_folder();
	config = load("StartupMemoryMax=1M");
	wish = wish_of(config);
	unlinkat(folder_fd, "memory.max", 0);
	EXPECT(cgroup_limits_write(&tree, folder_fd, "a.service", NULL, &wish, &why, &origin, NULL) ==
	       -ENOENT);
	EXPECT_TEXT(why.text, "MemoryMax= cannot be enforced by /fake/a.service/memory.max");
	EXPECT(origin == SPEC_LIMITS_ORIGIN(startup_memory_max));
	EXPECT(unit_config_origin(config, origin, 0, where, sizeof where, &directive));
	EXPECT_TEXT(where, "/a.service:3");
	EXPECT_TEXT(directive, "StartupMemoryMax");
	unit_config_free(config);
}

TEST(startup_settings_hold_only_then)
{
	struct unit_config *config;
	struct cgroup_wish startup, normal;
	unsigned written = 0;

	make_folder();
	config = load("MemoryMax=64M\nStartupMemoryMax=32M\nStartupCPUWeight=10\nTasksMax=5");
	startup = normal = wish_of(config);
	normal.startup = false;
	empty_file("memory.max");
	empty_file("cpu.weight");
	empty_file("pids.max");
	EXPECT(cgroup_limits_write(&tree, folder_fd, "a", &startup, &normal, NULL, NULL, &written) == 0);
	EXPECT(written == 2);
	expect_file("memory.max", "67108864");
	expect_file("cpu.weight", "100");
	expect_file("pids.max", "");
	EXPECT(cgroup_needed(&normal) == (CGROUP_MEMORY | CGROUP_PIDS));
	unit_config_free(config);
}

TEST(a_slice_gives_memory_protection)
{
	struct unit_config *config;
	struct cgroup_wish wish;

	make_folder();
	config = load("MemoryMin=0");
	wish = wish_of(config);
	wish.memory_min = 4096;
	wish.memory_low = 8192;
	empty_file("memory.min");
	empty_file("memory.low");
	EXPECT(cgroup_limits_write(&tree, folder_fd, "a", NULL, &wish, NULL, NULL, NULL) == 0);
	expect_file("memory.min", "0");
	expect_file("memory.low", "8192");
	unit_config_free(config);
}

TEST(only_the_device_that_changed)
{
	struct spec_io_limit one[] = {{(char *)"2MB", 1}, {(char *)"1GB", 2}}, two[] = {{(char *)"1GB", 2}};
	struct spec_limits before = spec_limits_default, after = spec_limits_default;
	struct cgroup_wish old = {.limits = &before, .memory_min = SPEC_UNSET, .memory_low = SPEC_UNSET},
			   now = {.limits = &after, .memory_min = SPEC_UNSET, .memory_low = SPEC_UNSET};

	make_folder();
	before.hugetlb_max = (struct spec_io_limits){one, 2};
	after.hugetlb_max = (struct spec_io_limits){two, 1};
	empty_file("hugetlb.2MB.max");
	empty_file("hugetlb.1GB.max");
	EXPECT(cgroup_limits_write(&tree, folder_fd, "a", &old, &now, NULL, NULL, NULL) == 0);
	expect_file("hugetlb.2MB.max", "max");
	expect_file("hugetlb.1GB.max", "2");
	unlinkat(folder_fd, "hugetlb.1GB.max", 0);
}

TEST(accounting_and_delegation_want_controllers)
{
	struct spec_limits limits = spec_limits_default;
	struct cgroup_wish wish = {.limits = &limits};

	EXPECT(cgroup_wanted(&wish) == (CGROUP_MEMORY | CGROUP_PIDS));
	limits.io_accounting = true;
	limits.tasks_accounting = false;
	EXPECT(cgroup_wanted(&wish) == (CGROUP_MEMORY | CGROUP_IO));
	limits.delegate = limits.delegate_all = true;
	EXPECT(cgroup_wanted(&wish) == 0xff);
	limits.delegate_all = false;
	limits.delegate_controllers = CGROUP_CPU;
	EXPECT((cgroup_needed(&(struct cgroup_wish){.limits = &limits,
						    .memory_min = SPEC_UNSET,
						    .memory_low = SPEC_UNSET}) == CGROUP_CPU));
}

/* --- what is read back ------------------------------------------------------------------------------- */

static void put_file(const char *name, const char *text)
{
	empty_file(name);
	EXPECT(fd_write_file_at(folder_fd, name, text) == 0);
}

static void make_groups(void)
{
	make_folder();
	EXPECT(mkdirat(folder_fd, "a.slice", 0755) == 0 || errno == EEXIST);
	EXPECT(mkdirat(folder_fd, "a.slice/b.service", 0755) == 0 || errno == EEXIST);
}

static void remove_groups(void)
{
	static const char *const files[] = {"memory.max",    "memory.current",	"cpu.stat",    "io.stat",
					    "memory.events", "memory.pressure", "pids.current"};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof path, "a.slice/b.service/%s", files[i]);
		unlinkat(folder_fd, path, 0);
		snprintf(path, sizeof path, "a.slice/%s", files[i]);
		unlinkat(folder_fd, path, 0);
	}
	unlinkat(folder_fd, "a.slice/b.service", AT_REMOVEDIR);
	unlinkat(folder_fd, "a.slice", AT_REMOVEDIR);
}

TEST(the_least_bound_above_holds)
{
	struct cgroup_tree fake = {.path = (char *)"/fake"};

	make_groups();
	fake.root_fd = folder_fd;
	EXPECT(cgroup_read_least(&fake, "a.slice/b.service", "memory.max", NULL) == SPEC_UNSET);
	put_file("a.slice/b.service/memory.max", "max\n");
	put_file("a.slice/memory.max", "1000\n");
	EXPECT(cgroup_read_least(&fake, "a.slice/b.service", "memory.max", NULL) == 1000);
	put_file("a.slice/b.service/memory.max", "400\n");
	EXPECT(cgroup_read_least(&fake, "a.slice/b.service", "memory.max", NULL) == 400);
	/* What is left: 1000 - 900 above is less than 400 - 10 here. */
	put_file("a.slice/b.service/memory.current", "10\n");
	put_file("a.slice/memory.current", "900\n");
	EXPECT(cgroup_read_least(&fake, "a.slice/b.service", "memory.max", "memory.current") == 100);
	put_file("a.slice/memory.current", "2000\n");
	EXPECT(cgroup_read_least(&fake, "a.slice/b.service", "memory.max", "memory.current") == 0);
	EXPECT(cgroup_read_least(&fake, "none", "memory.max", NULL) == SPEC_UNSET);
	EXPECT(cgroup_read_id(&fake, "a.slice") > 0 && cgroup_read_id(&fake, "none") == 0);
	remove_groups();
}

TEST(figures_are_read)
{
	struct cgroup_tree fake = {.path = (char *)"/fake"};
	struct cgroup_usage usage;

	make_groups();
	fake.root_fd = folder_fd;
	EXPECT(cgroup_read_usage(&fake, "a.slice", &usage) == 0);
	EXPECT(usage.cpu_usage_nsec == SPEC_UNSET && usage.memory_current == SPEC_UNSET &&
	       usage.io_read_bytes == SPEC_UNSET && usage.tasks_current == SPEC_UNSET);
	put_file("a.slice/cpu.stat", "usage_usec 1500\nuser_usec 1000\n");
	put_file("a.slice/io.stat", "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n"
				    "254:0 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n8:16\n");
	put_file("a.slice/memory.events", "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n");
	put_file("a.slice/memory.current", "4096\n");
	put_file("a.slice/pids.current", "nonsense\n");
	EXPECT(cgroup_read_usage(&fake, "a.slice", &usage) == 0);
	EXPECT(usage.cpu_usage_nsec == 1500000 && usage.io_read_bytes == 101 && usage.io_write_bytes == 22 &&
	       usage.io_read_operations == 4 && usage.io_write_operations == 5 && usage.oom_kills == 4 &&
	       usage.memory_current == 4096 && usage.tasks_current == SPEC_UNSET);
	remove_groups();
}

TEST(pressure_is_read)
{
	struct cgroup_tree fake = {.path = (char *)"/fake"};
	struct cgroup_pressure pressure;

	make_groups();
	fake.root_fd = folder_fd;
	EXPECT(cgroup_read_pressure(&fake, "a.slice", CGROUP_PRESSURE_MEMORY, &pressure) == -ENOENT);
	put_file("a.slice/memory.pressure", "some avg10=1.50 avg60=0.25 avg300=0.00 total=12345\n"
					    "full avg10=0.50 avg60=0.00 avg300=0.00 total=99\n");
	EXPECT(cgroup_read_pressure(&fake, "a.slice", CGROUP_PRESSURE_MEMORY, &pressure) == 0);
	EXPECT(pressure.some.average10 == 1.5 && pressure.some.average60 == 0.25 &&
	       pressure.some.total_usec == 12345 && pressure.full.average10 == 0.5 &&
	       pressure.full.total_usec == 99);
	put_file("a.slice/memory.pressure", "some avg10=x\n");
	EXPECT(cgroup_read_pressure(&fake, "a.slice", CGROUP_PRESSURE_MEMORY, &pressure) == -ENOENT);
	remove_groups();
}

TEST(bad_values_are_refused)
{
	static const char *const lines[] = {
		"CPUWeight=0",
		"CPUWeight=10001",
		"CPUWeight=Idle",
		"IOWeight=idle",
		"CPUQuota=0%",
		"CPUQuota=20",
		"CPUQuotaBurstSec=1ms",
		"CPUQuota=10%\nCPUQuotaBurstSec=x",
		"AllowedCPUs=a",
		"AllowedCPUs=3-1",
		"CPUSetPartition=yes",
		"MemoryMax=0",
		"MemoryHigh=0",
		"MemoryMax=101%",
		"MemoryMax=-1",
		"MemoryMax=1X",
		"MemoryMin=2M\nMemoryMax=1M",
		"TasksMax=0",
		"TasksMax=0%",
		"TasksMax=200%",
		"HugeTLBMax=64M",
		"HugeTLBMax=2X 64M",
		"HugeTLBMax=../2MB 64M",
		"HugeTLBMax=2MBB 1",
		"MiscMax=a/b 1",
		"MiscMax=sev -1",
		"RDMAHandlesMax=mlx",
		"IODeviceLatencyTargetSec=/dev/x 0",
		"IODeviceLatencyTargetSec=/dev/x infinity",
		"IODeviceWeight=relative 100",
		"CPUShares=1",
		"BlockIOWeight=5",
		"Delegate=memory nonsense",
		"DelegateSubgroup=a",
		"Delegate=yes\nDelegateSubgroup=../a",
		"Delegate=yes\nDelegateSubgroup=cgroup.procs",
		"DisableControllers=x",
		"OOMPolicy=maybe",
		"ManagedOOMPreference=yes",
		"ManagedOOMMemoryPressure=yes",
		"ManagedOOMMemoryPressureLimit=101%",
		"ManagedOOMMemoryPressureLimit=60",
		"ManagedOOMMemoryPressureDurationSec=x",
		"ManagedOOMSwap=kill",
		"MemoryPressureWatch=maybe",
		"MemoryPressureThresholdSec=x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct unit_config *config = NULL;
		char text[256];

		snprintf(text, sizeof text, "[Service]\nExecStart=/x\n%s\n", lines[i]);
		EXPECT(unit_load_text(NULL, "a.service", text, strlen(text), &config) == 0);
		if (config->load_state != UNIT_BAD_SETTING)
			printf("# taken: %s\n", lines[i]);
		EXPECT(config->load_state == UNIT_BAD_SETTING);
		unit_config_free(config);
	}
}

TEST(old_names_warn)
{
	struct unit_config *config;

	make_folder();
	config = load("MemoryLimit=1M");
	EXPECT(config->warnings);
	EXPECT_TEXT(config->warnings[0], "/a.service:3: MemoryLimit= is an old name: write MemoryMax=");
	unit_config_free(config);
}

TEST_MAIN
