/* Values of the directives about operation control and the process: good and bad text, alone and after others. */
#include "units/assign.h"
#include "test.h"

static struct unit_config *config;
static struct failure failure;

static void begin(void)
{
	unit_config_free(config);
	config = unit_config_new("web.service", UNIT_SERVICE);
	EXPECT(config);
}

/* Assigns and shows; the error's text when the value is bad. */
static const char *set_in(const char *section, const char *name, const char *value)
{
	static char text[1024];
	struct directive_line line = {
		.directive = directive_find(section, name), .value = value, .config = config};
	char *printed;

	EXPECT(line.directive);
	failure = (struct failure){};
	if (assign_setting(&line, (struct assign_place){.line = 1}, &failure) < 0)
		return failure.text;
	printed = directive_print(line.directive, config);
	EXPECT(printed);
	snprintf(text, sizeof text, "%s", printed);
	free(printed);
	return text;
}

static const char *set(const char *name, const char *value)
{
	return set_in("Service", name, value);
}

TEST(scheduling)
{
	begin();
	EXPECT_TEXT(set("CPUSchedulingPolicy", "fifo"), "fifo");
	EXPECT_TEXT(set("CPUSchedulingPolicy", ""), "other");
	EXPECT(config->spec.cpu_policy == -1);
	EXPECT_TEXT(set("CPUSchedulingPolicy", "deadline"),
		    "CPUSchedulingPolicy=: 'deadline' is none of: other, batch, idle, fifo, rr");
	EXPECT_TEXT(set("CPUSchedulingPriority", "99"), "99");
	EXPECT_TEXT(set("CPUSchedulingPriority", "100"),
		    "CPUSchedulingPriority=: '100' is no priority from 0 to 99");
	EXPECT_TEXT(set("CPUAffinity", "0-3, 8"), "0-3,8");
	EXPECT_TEXT(set("CPUAffinity", "10"), "0-3,8,10");
	EXPECT_TEXT(set("CPUAffinity", "numa"), "numa");
	EXPECT_TEXT(set("CPUAffinity", "1"), "1");
	EXPECT(strstr(set("CPUAffinity", "3-1"), "is no list of numbers"));
	EXPECT_TEXT(set("CPUAffinity", ""), "");
	EXPECT_TEXT(set("NUMAPolicy", "interleave"), "interleave");
	EXPECT(strstr(set("NUMAPolicy", "2"), "is none of: default, preferred, bind"));
	EXPECT_TEXT(set("NUMAMask", "all"), "all");
	EXPECT_TEXT(set("NUMAMask", "0-1"), "0-1");
	EXPECT(strstr(set("NUMAMask", "everything"), "is no list"));
	begin();
	EXPECT_TEXT(set("IOSchedulingClass", "realtime"), "realtime");
	EXPECT_TEXT(set("IOSchedulingPriority", "0"), "0");
	EXPECT(config->spec.io_priority == 1 << 13);
	EXPECT_TEXT(set("IOSchedulingClass", "3"), "idle");
	EXPECT(config->spec.io_priority == 3 << 13);
	EXPECT_TEXT(set("IOSchedulingClass", "none"), "none");
	EXPECT(config->spec.io_priority == 0);
	EXPECT_TEXT(set("IOSchedulingPriority", "7"), "7");
	EXPECT(config->spec.io_priority == (2 << 13 | 7));
	EXPECT_TEXT(set("IOSchedulingPriority", ""), "4");
	EXPECT(config->spec.io_priority == -1);
	EXPECT(strstr(set("IOSchedulingPriority", "8"), "is no priority from 0 to 7"));
	EXPECT(strstr(set("IOSchedulingClass", "4"), "is none of: none, realtime"));
}

TEST(attributes)
{
	begin();
	EXPECT_TEXT(set("CoredumpFilter", "default"), "0x33");
	EXPECT_TEXT(set("CoredumpFilter", "private-dax 100"), "0x1b3");
	EXPECT_TEXT(set("CoredumpFilter", ""), "0x33");
	EXPECT(config->spec.coredump_filter == -1);
	EXPECT_TEXT(set("CoredumpFilter", "all"), "0x1ff");
	EXPECT(strstr(set("CoredumpFilter", "everything"), "neither a kind of mapping"));
	EXPECT(strstr(set("CoredumpFilter", "-1"), "neither a kind of mapping"));
	EXPECT(strstr(set("Personality", "m68k"), "is none of"));
	EXPECT_TEXT(set("MemoryKSM", "yes"), "yes");
	EXPECT(strstr(set("MemoryKSM", "perhaps"), "neither yes nor no"));
	EXPECT_TEXT(set("SecureBits", "noroot keep-caps"), "keep-caps noroot");
	EXPECT_TEXT(
		set("SecureBits", "noroot-locked no-setuid-fixup keep-caps-locked no-setuid-fixup-locked"),
		"keep-caps keep-caps-locked no-setuid-fixup no-setuid-fixup-locked noroot noroot-locked");
	EXPECT_TEXT(set("SecureBits", ""), "");
	EXPECT(strstr(set("SecureBits", "root"), "is none of: keep-caps"));
	EXPECT_TEXT(set("KeyringMode", ""), "private");
	EXPECT(config->spec.keyring == SPEC_KEYRING_DEFAULT);
	EXPECT_TEXT(set("KeyringMode", "private"), "private");
	EXPECT(config->spec.keyring == SPEC_KEYRING_PRIVATE);
	EXPECT_TEXT(set("KeyringMode", "shared"), "shared");
	EXPECT(strstr(set("KeyringMode", "none"), "is none of: private, inherit, shared"));
	EXPECT_TEXT(set("ExecSearchPath", "/a:/b"), "/a /b");
	EXPECT_TEXT(set("ExecSearchPath", "/c"), "/a /b /c");
	EXPECT(strstr(set("ExecSearchPath", "bin"), "not an absolute path"));
}

TEST(capabilities)
{
	begin();
	EXPECT_TEXT(set("AmbientCapabilities", "cap_kill CAP_5 12"), "cap_kill cap_net_admin");
	EXPECT_TEXT(set("AmbientCapabilities", "62 CAP_41"), "cap_kill cap_net_admin cap_41 cap_62");
	EXPECT(strstr(set("AmbientCapabilities", "63"), "is no capability"));
	EXPECT(strstr(set("AmbientCapabilities", "kill"), "is no capability"));
	EXPECT(strstr(set("AmbientCapabilities", "CAP_EVERYTHING"), "is no capability"));
	EXPECT_TEXT(set("AmbientCapabilities", "~CAP_41 62"), "cap_kill cap_net_admin");
}

TEST(labels)
{
	begin();
	EXPECT_TEXT(set("AppArmorProfile", "-web//worker"), "-web//worker");
	EXPECT_TEXT(set("AppArmorProfile", ""), "");
	EXPECT(!spec_confinement(&config->spec)->apparmor_profile);
	EXPECT_TEXT(set("SELinuxContext", "system_u:system_r:httpd_t:s0:c1,c2"),
		    "system_u:system_r:httpd_t:s0:c1,c2");
	EXPECT(strstr(set("SELinuxContext", "two words"), "is no label"));
	EXPECT(strstr(set("SmackProcessLabel", "-"), "is no label"));
	EXPECT(strstr(set_in("Container", "SecurityLabelFileType", "x\",rootcontext=y"), "is no label"));
	EXPECT_TEXT(set("LandlockScope", "signal"), "signal");
	EXPECT_TEXT(set("LandlockScope", "abstract-unix-socket"), "abstract-unix-socket signal");
	EXPECT(strstr(set("LandlockScope", "everything"), "is none of"));
	EXPECT_TEXT(set("LandlockBindTCP", "80 443"), "80 443");
	EXPECT(strstr(set("LandlockBindTCP", "65536"), "is neither a port nor 'none'"));
	EXPECT(strstr(set("LandlockBindTCP", "http"), "is neither a port nor 'none'"));
	EXPECT_TEXT(set("LandlockWrite", "-/var//lib/ none"), "-/var/lib none");
	EXPECT(strstr(set("LandlockWrite", "var"), "is not an absolute path"));
}

TEST(system_calls)
{
	begin();
	EXPECT_TEXT(set("SystemCallFilter", "~mount:EPERM @swap:kill read:0"),
		    "~mount:EPERM ~@swap:kill ~read:0");
	EXPECT(!config->spec.system_call_filter.allow_list);
	EXPECT_TEXT(set("SystemCallFilter", ""), "");
	EXPECT(strstr(set("SystemCallFilter", "mount:EPERM"), "only a call that is refused"));
	EXPECT(strstr(set("SystemCallFilter", "~mount:"), "is no name of a system call"));
	EXPECT(strstr(set("SystemCallFilter", "mo/unt"), "is no name of a system call"));
	EXPECT(strstr(set("SystemCallLog", "~mount:EPERM"), "only a call that is refused"));
	EXPECT_TEXT(set("SystemCallErrorNumber", "EUCLEAN"), "EUCLEAN");
	EXPECT_TEXT(set("SystemCallErrorNumber", "1"), "EPERM");
	EXPECT_TEXT(set("SystemCallErrorNumber", "4095"), "4095");
	EXPECT(strstr(set("SystemCallErrorNumber", "4096"), "neither an error"));
	EXPECT(strstr(set("SystemCallErrorNumber", "0"), "neither an error"));
	EXPECT_TEXT(set("SystemCallErrorNumber", ""), "kill");
}

TEST(resource_limits)
{
	const struct spec_rlimit *limits;

	begin();
	EXPECT_TEXT(set("LimitCPU", "2min"), "120");
	EXPECT_TEXT(set("LimitCPU", "1500ms:infinity"), "2:infinity");
	EXPECT_TEXT(set("LimitFSIZE", "1G"), "1073741824");
	EXPECT_TEXT(set("LimitFSIZE", "1.5K:2K"), "1536:2048");
	EXPECT_TEXT(set("LimitNICE", "+5"), "15");
	EXPECT_TEXT(set("LimitNICE", "-20"), "40");
	EXPECT_TEXT(set("LimitNICE", "7:9"), "7:9");
	EXPECT(strstr(set("LimitNICE", "+20"), "is no resource limit"));
	EXPECT(strstr(set("LimitNICE", "41"), "is no resource limit"));
	EXPECT_TEXT(set("LimitRTTIME", "500"), "500");
	EXPECT_TEXT(set("LimitRTTIME", "5ms"), "5000");
	EXPECT_TEXT(set("LimitNOFILE", "infinity"), "infinity");
	EXPECT_TEXT(set("LimitNOFILE", "10:20"), "10:20");
	EXPECT(strstr(set("LimitNOFILE", "20:10"), "the soft limit is above the hard limit"));
	EXPECT(strstr(set("LimitNOFILE", "10K"), "is no resource limit"));
	EXPECT(strstr(set("LimitNOFILE", "10:"), "is no resource limit"));
	EXPECT_TEXT(set("LimitNOFILE", ""), "");
	limits = config->spec.rlimits;
	EXPECT(!limits[RLIMIT_NOFILE].set);
}

TEST(clean_up)
{
	unit_config_free(config);
	config = NULL;
}

TEST_MAIN
