/* The kinds of values: each read from good and from bad text, and printed. Driven through a row of the table
 * that has the kind, the way a unit file does. */
#include <sched.h>
#include <linux/capability.h>
#include <signal.h>

#include "units/assign.h"
#include "test.h"

static struct unit_config *config;
static struct failure failure;
static const struct unit_specifiers outside = {
	.hostname = "host",
	.machine_id = "machine",
	.boot_id = "boot",
	.kernel_release = "6.1",
	.runtime_directory = "/run/x",
	.state_directory = "/state",
};

static void begin(void)
{
	unit_config_free(config);
	config = unit_config_new("web@one.service", UNIT_SERVICE);
	EXPECT(config);
}

/* Assigns NAME=VALUE in SECTION; returns the error's text or NULL. */
static const char *set_in(const char *section, const char *name, const char *value)
{
	struct specifier_context specifiers = {
		.name = config->name, .fragment = "/units/web@.service", .outside = &outside};
	struct directive_line line = {.directive = directive_find(section, name),
				      .value = value,
				      .specifiers = &specifiers,
				      .config = config};

	EXPECT(line.directive);
	failure = (struct failure){};
	return assign_setting(&line, (struct assign_place){.line = 1}, &failure) < 0 ? failure.text : NULL;
}

static const char *set(const char *name, const char *value)
{
	return set_in("Service", name, value);
}

static const char *shown_in(const char *section, const char *name)
{
	static char text[4096];
	char *printed = directive_print(directive_find(section, name), config);

	EXPECT(printed);
	snprintf(text, sizeof text, "%s", printed);
	free(printed);
	return text;
}

static const char *shown(const char *name)
{
	return shown_in("Service", name);
}

/* Assigns to a fresh config and shows. */
static const char *once(const char *name, const char *value)
{
	begin();
	return set(name, value) ? failure.text : shown(name);
}

static const char *once_in(const char *section, const char *name, const char *value)
{
	begin();
	return set_in(section, name, value) ? failure.text : shown_in(section, name);
}

static bool refused_in(const char *section, const char *name, const char *value)
{
	begin();
	if (set_in(section, name, value) && failure.text[0])
		return true;
	printf("# [%s] %s=%s was accepted: %s\n", section, name, value, shown_in(section, name));
	return false;
}

static bool refused(const char *name, const char *value)
{
	return refused_in("Service", name, value);
}

/* directive: Service.LogNamespace Service.PAMName */
TEST(what_cannot_be_had_is_refused_with_its_reason)
{
	for (size_t i = 0; i < directive_count; i++) {
		const struct directive *directive = &directive_table[i];
		struct directive_line line = {.directive = directive, .value = "something"};

		if (directive->kind != VALUE_REFUSED)
			continue;
		EXPECT(value_parse(&line, NULL, &failure) == -EOPNOTSUPP);
		EXPECT(strstr(failure.text, directive->summary) != NULL);
		for (const char *const *name = directive->names; name && *name; name++) {
			line.value = *name;
			EXPECT(value_parse(&line, NULL, &failure) == 0);
		}
	}
}

TEST(every_default_is_read_and_every_row_is_printed)
{
	struct spec spec;

	begin();
	for (size_t i = 0; i < directive_count; i++) {
		const struct directive *directive = &directive_table[i];
		char *before, *after;

		EXPECT(directive_find(directive->section, directive->name) == directive);
		EXPECT(directive->summary && text_ends_with(directive->summary, "."));
		EXPECT(directive->kind != VALUE_ENUM || directive->names);
		EXPECT(directive->kind != VALUE_SPECIAL || (directive->parse && directive->print));
		before = directive_print(directive, config);
		EXPECT(before);
		if (directive->default_text) {
			EXPECT(set_in(directive->section, directive->name, directive->default_text) == NULL);
			after = directive_print(directive, config);
			EXPECT_TEXT(after, before);
			free(after);
		}
		free(before);
	}
	/* A default in the table and the engine's own must be the same. */
	begin();
	spec_init(&spec);
	EXPECT(memcmp(&spec, &config->spec, sizeof spec) == 0);
}

TEST(an_empty_value_brings_back_the_default_of_every_row)
{
	for (size_t i = 0; i < directive_count; i++) {
		const struct directive *directive = &directive_table[i];
		char *before, *after;

		if (directive->kind == VALUE_CAPABILITIES || strcmp(directive->name, "Network") == 0 ||
		    strcmp(directive->name, "Delegate") == 0) /* empty: without controllers */
			continue;
		begin();
		before = directive_print(directive, config);
		EXPECT(set_in(directive->section, directive->name, "") == NULL);
		after = directive_print(directive, config);
		EXPECT_TEXT(after, before);
		EXPECT(!assign_was_set(config, directive->offset) || directive->kind == VALUE_CONDITION);
		free(before);
		free(after);
	}
}

TEST(properties_have_one_row_each)
{
	for (size_t i = 0; i < directive_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct directive *a = &directive_table[i], *b = &directive_table[j];
			const char *a_name = a->property ? a->property : a->name,
				   *b_name = b->property ? b->property : b->name;

			EXPECT(strcmp(a->section, b->section) != 0 || strcmp(a->name, b->name) != 0);
			EXPECT(strcmp(a_name, "-") == 0 || strcmp(a_name, b_name) != 0);
		}
}

TEST(booleans)
{
	EXPECT_TEXT(once("SendSIGHUP", "yes"), "yes");
	EXPECT_TEXT(once("SendSIGHUP", "True"), "yes");
	EXPECT_TEXT(once("SendSIGKILL", "off"), "no");
	EXPECT(refused("SendSIGHUP", "maybe"));
	EXPECT(refused("SendSIGHUP", "2"));
}

TEST(numbers)
{
	EXPECT_TEXT(once("OOMScoreAdjust", "-1000"), "-1000");
	EXPECT(refused("OOMScoreAdjust", "1001"));
	EXPECT(refused("OOMScoreAdjust", "1x"));
	EXPECT(refused("OOMScoreAdjust", "--1"));
	EXPECT_TEXT(once("RestartSteps", "3"), "3");
	EXPECT(refused("RestartSteps", "4294967296"));
	EXPECT(refused("RestartSteps", "99999999999999999999999999"));
	EXPECT(refused("RestartSteps", "-1"));
	EXPECT_TEXT(once("Nice", "-20"), "-20");
	EXPECT(refused("Nice", "20"));
	EXPECT(refused("Nice", "low"));
	EXPECT_TEXT(once("CPUWeight", "10000"), "10000");
	EXPECT(refused("CPUWeight", "0"));
	EXPECT(refused("IOWeight", "10001"));
	EXPECT_TEXT(once("UMask", "077"), "0077");
	EXPECT(refused("UMask", "088"));
	EXPECT(refused("UMask", "10000"));
}

TEST(time_spans)
{
	EXPECT_TEXT(once("RestartSec", "90"), "1min 30s");
	EXPECT_TEXT(once("RestartSec", "5min 20s"), "5min 20s");
	EXPECT_TEXT(once("RestartSec", "5min20s"), "5min 20s");
	EXPECT_TEXT(once("RestartSec", "1.5s"), "1s 500ms");
	EXPECT_TEXT(once("RestartSec", "250 ms"), "250ms");
	EXPECT_TEXT(once("RestartSec", "1w 2d 3h 4us"), "1w 2d 3h 4us");
	EXPECT_TEXT(once("RestartSec", "1M"), "4w 2d 10h 30min");
	EXPECT_TEXT(once("RestartSec", "infinity"), "infinity");
	EXPECT_TEXT(once("RestartSec", "0"), "0");
	EXPECT_TEXT(once("TimeoutStopSec", "0"), "infinity");
	EXPECT(refused("RestartSec", "fast"));
	EXPECT(refused("RestartSec", "1.2.3s"));
	EXPECT(refused("RestartSec", "-1"));
	EXPECT(refused("RestartSec", "5 parsecs"));
	EXPECT(refused("RestartSec", "18446744073709551615"));
	EXPECT(refused("RestartSec", "99999999999999999999999999999999999999999999999999y"));
	begin();
	EXPECT(!set("TimeoutSec", "7"));
	EXPECT(config->timeout_start == 7 * USEC_PER_SEC && config->timeout_stop == 7 * USEC_PER_SEC);
	EXPECT_TEXT(once("MonotonicOffsetSec", "-1h"), "-1h");
	EXPECT(config->spec.time_offset_monotonic == -3600000000000);
	EXPECT(refused("BoottimeOffsetSec", "infinity"));
	EXPECT_TEXT(once("TimerSlackNSec", "70"), "70");
	EXPECT_TEXT(once("TimerSlackNSec", "70ns"), "70");
	EXPECT_TEXT(once("TimerSlackNSec", "2ms"), "2000000");
	EXPECT(refused("TimerSlackNSec", "some"));
}

TEST(sizes_and_limits)
{
	EXPECT_TEXT(once("MemoryMax", "1.5K"), "1536");
	EXPECT_TEXT(once("MemoryMax", "64M"), "67108864");
	EXPECT_TEXT(once("MemoryMax", "infinity"), "infinity");
	EXPECT_TEXT(once("MemoryMax", ""), "[not set]");
	EXPECT(!set("MemoryMax", "50%") && spec_limits(&config->spec)->memory_max > 0);
	EXPECT(refused("MemoryMax", "101%"));
	EXPECT(refused("MemoryMax", "64X"));
	EXPECT(refused("MemoryMax", "64MB"));
	EXPECT(refused("MemoryMax", "-1"));
	EXPECT(refused("MemoryMax", "17E"));
	EXPECT_TEXT(once("TasksMax", "12"), "12");
	EXPECT(refused("TasksMax", "0"));
	EXPECT(refused("TasksMax", "-1"));
	EXPECT_TEXT(once_in("Container", "PidsLimit", "-1"), "infinity");
	EXPECT_TEXT(once_in("Container", "ShmSize", "1M"), "1048576");
	EXPECT_TEXT(once("CPUQuota", "20%"), "200ms");
	EXPECT_TEXT(once("CPUQuota", "150.5%"), "1s 505ms");
	EXPECT(refused("CPUQuota", "0%"));
	EXPECT(refused("CPUQuota", "20"));
	EXPECT_TEXT(once("AllowedCPUs", "0-3, 8"), "0-3,8");
	EXPECT(!set("AllowedCPUs", "10"));
	EXPECT_TEXT(shown("AllowedCPUs"), "0-3,8,10");
	EXPECT(refused("AllowedCPUs", "3-1"));
	EXPECT(refused("AllowedCPUs", "all"));
	EXPECT_TEXT(once("OOMPolicy", "kill"), "kill");
	EXPECT_TEXT(once("OOMPolicy", "stop"), "stop");
	EXPECT(refused("OOMPolicy", "-stop"));
	EXPECT_TEXT(once("IOReadBandwidthMax", "/dev/sda 5M"), "/dev/sda 5000000");
	EXPECT_TEXT(once("IODeviceWeight", "/dev/sda 7"), "/dev/sda 7");
	EXPECT(refused("IODeviceWeight", "/dev/sda 0"));
	EXPECT(refused("IOReadIOPSMax", "/dev/sda"));
	EXPECT(refused("IOReadIOPSMax", "sda 5"));
	EXPECT(refused("IOReadIOPSMax", "/dev/sda 5 6"));
}

TEST(resource_limits)
{
	EXPECT_TEXT(once("LimitNOFILE", "1024"), "1024");
	EXPECT_TEXT(once("LimitNOFILE", "1024:infinity"), "1024:infinity");
	EXPECT_TEXT(once("LimitCORE", "1M"), "1048576");
	EXPECT_TEXT(once("LimitCPU", "1min"), "60");
	EXPECT_TEXT(once("LimitRTTIME", "5"), "5");
	EXPECT_TEXT(once("LimitNICE", "-5"), "25");
	EXPECT_TEXT(once("LimitNICE", "+5"), "15");
	EXPECT(refused("LimitNICE", "41"));
	EXPECT(refused("LimitNOFILE", "10:5"));
	EXPECT(refused("LimitNOFILE", "1M"));
	EXPECT(refused("LimitCORE", "some"));
	begin();
	EXPECT(!set_in("Container", "Ulimit", "nofile=10:20") && !set_in("Container", "Ulimit", "core=-1"));
	EXPECT_TEXT(shown("LimitNOFILE"), "10:20");
	EXPECT_TEXT(shown("LimitCORE"), "infinity");
	EXPECT(refused_in("Container", "Ulimit", "nofiles=10"));
	EXPECT(refused_in("Container", "Ulimit", "nofile"));
}

TEST(names_for_numbers)
{
	EXPECT_TEXT(once("Type", "notify-reload"), "notify-reload");
	EXPECT(refused("Type", "dbus"));
	EXPECT(strstr(failure.text, "simple, exec"));
	EXPECT_TEXT(once("ProtectSystem", "true"), "yes");
	EXPECT_TEXT(once("ProtectHome", "read-only"), "read-only");
	EXPECT_TEXT(once("PrivateUsers", "yes"), "self");
	EXPECT_TEXT(once("PrivateUsers", "0"), "no");
	EXPECT(refused("PrivateUsers", "map"));
	EXPECT(refused("PrivateUsers", "-map"));
	EXPECT_TEXT(once("KillSignal", "SIGINT"), "2");
	EXPECT_TEXT(once("KillSignal", "TERM"), "15");
	EXPECT_TEXT(once("KillSignal", "9"), "9");
	EXPECT(!set("KillSignal", "RTMIN+3") && config->kill_signal == SIGRTMIN + 3);
	EXPECT(!set("KillSignal", "SIGRTMAX-1") && config->kill_signal == SIGRTMAX - 1);
	EXPECT(refused("KillSignal", "SIGNOPE"));
	EXPECT(refused("KillSignal", "0"));
	EXPECT(refused("KillSignal", "65"));
	EXPECT_TEXT(once("SuccessExitStatus", "75 TEMPFAIL 250 SIGUSR1"), "75 250 SIGUSR1");
	EXPECT(refused("SuccessExitStatus", "256"));
	EXPECT(refused("SuccessExitStatus", "WRONG"));
	EXPECT_TEXT(once("SystemCallErrorNumber", "EACCES"), "EACCES");
	EXPECT_TEXT(once("SystemCallErrorNumber", "kill"), "kill");
	EXPECT(refused("SystemCallErrorNumber", "EWHAT"));
	EXPECT(refused("SystemCallErrorNumber", "4096"));
	EXPECT_TEXT(once("ProcSubset", "pid"), "pid");
	EXPECT(refused("ProcSubset", "some"));
	EXPECT_TEXT(once("PrivateTmp", "disconnected"), "disconnected");
	EXPECT_TEXT(once_in("Container", "SeccompProfile", "unconfined"), "unconfined");
	EXPECT_TEXT(once_in("Container", "SeccompProfile", "/etc//profile.json"), "/etc/profile.json");
	EXPECT(refused_in("Container", "SeccompProfile", "profile.json"));
	EXPECT_TEXT(once_in("Container", "Network", "host"), "host");
	EXPECT(refused_in("Container", "Network", "web.network"));
	EXPECT(refused_in("Container", "Notify", "healthy"));
}

TEST(capabilities_merge)
{
	EXPECT_TEXT(once("CapabilityBoundingSet", "CAP_KILL CAP_CHOWN"), "cap_chown cap_kill");
	EXPECT(!set("CapabilityBoundingSet", "cap_setuid"));
	EXPECT_TEXT(shown("CapabilityBoundingSet"), "cap_chown cap_kill cap_setuid");
	EXPECT(!set("CapabilityBoundingSet", "~CAP_KILL"));
	EXPECT_TEXT(shown("CapabilityBoundingSet"), "cap_chown cap_setuid");
	EXPECT_TEXT(once("CapabilityBoundingSet", ""), "");
	begin();
	EXPECT(!set("CapabilityBoundingSet", "~CAP_SYS_ADMIN"));
	EXPECT(config->spec.capability_bounding_set == (SPEC_CAP_ALL & ~(UINT64_C(1) << CAP_SYS_ADMIN)));
	EXPECT_TEXT(once("AmbientCapabilities", "CAP_NET_BIND_SERVICE"), "cap_net_bind_service");
	EXPECT(refused("CapabilityBoundingSet", "CAP_EVERYTHING"));
	EXPECT(refused("CapabilityBoundingSet", "KILL"));
	EXPECT_TEXT(once_in("Container", "AddCapability", "kill CAP_CHOWN"), "cap_chown cap_kill");
	EXPECT_TEXT(once_in("Container", "DropCapability", "ALL"), "all");
	EXPECT(refused_in("Container", "AddCapability", "CAP_NOPE"));
}

TEST(filters_and_restrictions)
{
	EXPECT_TEXT(once("SystemCallFilter", "@system-service read"), "@system-service read");
	EXPECT(config->spec.system_call_filter.allow_list);
	EXPECT(!set("SystemCallFilter", "~ptrace:EPERM mount"));
	EXPECT_TEXT(shown("SystemCallFilter"), "@system-service read ~ptrace:EPERM ~mount");
	EXPECT(config->spec.system_call_filter.allow_list);
	EXPECT(!set("SystemCallFilter", "") && !set("SystemCallFilter", "~mount"));
	EXPECT(!config->spec.system_call_filter.allow_list);
	EXPECT(refused("SystemCallFilter", "read;"));
	EXPECT(refused("SystemCallFilter", "read:"));
	EXPECT_TEXT(once("RestrictNamespaces", "yes"), "yes");
	EXPECT(config->spec.restrict_namespaces == 0);
	EXPECT_TEXT(once("RestrictNamespaces", "net uts"), "net uts");
	EXPECT_TEXT(once("RestrictNamespaces", "~user"), "cgroup ipc net mnt pid uts time");
	EXPECT(refused("RestrictNamespaces", "network"));
	EXPECT_TEXT(once("RestrictAddressFamilies", "AF_UNIX AF_INET"), "AF_UNIX AF_INET");
	EXPECT(!set("RestrictAddressFamilies", "~AF_INET"));
	EXPECT_TEXT(shown("RestrictAddressFamilies"), "AF_UNIX");
	EXPECT(!set("RestrictAddressFamilies", "~AF_UNIX"));
	EXPECT_TEXT(shown("RestrictAddressFamilies"), "none");
	EXPECT_TEXT(once("RestrictAddressFamilies", "~AF_PACKET"), "~ AF_PACKET");
	EXPECT_TEXT(once("RestrictAddressFamilies", "none"), "none");
	EXPECT(refused("RestrictAddressFamilies", "inet"));
}

TEST(texts_and_paths)
{
	EXPECT_TEXT(once_in("Unit", "Description", "The %i of %p: 100%%"), "The one of web: 100%");
	EXPECT(refused_in("Unit", "Description", "100%!"));
	EXPECT(refused_in("Unit", "Description", "%"));
	EXPECT_TEXT(once("RootDirectory", "//srv/./%i//"), "/srv/one");
	EXPECT_TEXT(once("RootDirectory", "/"), "/");
	EXPECT(refused("RootDirectory", "srv"));
	EXPECT(refused("RootDirectory", "/srv/../etc"));
	EXPECT_TEXT(once("WorkingDirectory", "~"), "~");
	EXPECT_TEXT(once("WorkingDirectory", "-/srv/"), "!/srv");
	EXPECT(config->spec.working_directory_optional);
	EXPECT(refused("WorkingDirectory", "srv"));
	EXPECT_TEXT(once("Slice", "web-%i.slice"), "web-one.slice");
	EXPECT(refused("Slice", "web"));
	EXPECT(refused("Slice", "a/b.slice"));
	EXPECT(refused("Slice", "../x.slice"));
	EXPECT(refused("Slice", "a--b.slice"));
	EXPECT_TEXT(once_in("Container", "HostName", "%i.example"), "one.example");
	EXPECT(refused_in("Container", "HostName", "a b"));
	EXPECT(refused_in("Container", "HostName", "-a"));
	EXPECT(refused_in("Container", "HostName",
			  "0123456789012345678901234567890123456789012345678901234567890123456789"));
	EXPECT_TEXT(once("StandardOutput", "append:/var/log/%i"), "append:/var/log/one");
	EXPECT_TEXT(once("StandardOutput", "kmsg"), "kmsg");
	EXPECT_TEXT(once("StandardInput", "tty"), "tty");
	EXPECT(refused("StandardInput", "inherit"));
	EXPECT(refused("StandardOutput", "data") && refused("StandardInput", "fd:a b"));
	EXPECT_TEXT(once("StandardOutput", "fd:out"), "fd:out");
	EXPECT(refused("StandardOutput", "file:log"));
	EXPECT(refused("StandardInputData", "a") && refused("StandardInputData", "YQ==YQ=="));
	EXPECT(refused("StandardInputText", "\\z"));
	EXPECT(refused("OpenFile", "relative") && refused("OpenFile", "/x:n:read-only,append"));
	EXPECT(refused("OpenFile", "/x:n:whatever") && refused("OpenFile", "/x:n:append:more"));
	EXPECT(refused("TTYRows", "65536"));
}

/* Words of the namespaces: units/special-isolation.c. */
TEST(logs)
{
	EXPECT_TEXT(once("SyslogFacility", "local7"), "local7");
	EXPECT_TEXT(once("SyslogLevel", "3"), "err");
	EXPECT(refused("SyslogFacility", "24") && refused("SyslogFacility", "nothing"));
	EXPECT(refused("SyslogLevel", "8") && refused("LogLevelMax", "-1"));
	EXPECT(refused("SyslogIdentifier", "a b"));
	EXPECT_TEXT(once("LogExtraFields", "A_1=x"), "A_1=x");
	EXPECT(refused("LogExtraFields", "a=x") && refused("LogExtraFields", "_A=x"));
	EXPECT(refused("LogExtraFields", "A") && refused("LogExtraFields", "\"A=x\\ny\""));
	EXPECT(refused("LogFilterPatterns", "~[a") && refused("LogFilterPatterns", "(b"));
	EXPECT(refused_in("Container", "LogDriver", "syslogd"));
	EXPECT(refused_in("Container", "LogOpt", "max-size=1k") &&
	       refused_in("Container", "LogOpt", "labels=x"));
	EXPECT(refused_in("Container", "LogOpt", "path=relative"));
}

TEST(namespaces)
{
	EXPECT_TEXT(once("PrivateUsers", "full"), "full");
	EXPECT(refused("PrivateUsers", "sub"));
	EXPECT_TEXT(once_in("Container", "UserNS", "host"), "host");
	EXPECT_TEXT(once_in("Container", "UserNS", "nomap"), "nomap");
	EXPECT_TEXT(once_in("Container", "UserNS", "keep-id"), "keep-id:uid=0,gid=0,size=65536");
	EXPECT_TEXT(once_in("Container", "UserNS", "keep-id:uid=7,size=9"), "keep-id:uid=7,gid=0,size=9");
	EXPECT_TEXT(once_in("Container", "UserNS", "auto:size=100,uidmapping=1:2:3"),
		    "auto:size=100,uidmapping=1:2:3");
	EXPECT_TEXT(once_in("Container", "UserNS", "ns:/run/n"), "ns:/run/n");
	EXPECT(refused_in("Container", "UserNS", "keep-id:uid=9,size=9"));
	EXPECT(refused_in("Container", "UserNS", "keep-id:size=0"));
	EXPECT(refused_in("Container", "UserNS", "keep-id:uid=-1"));
	EXPECT(refused_in("Container", "UserNS", "auto:uid=1"));
	EXPECT(refused_in("Container", "UserNS", "auto:size"));
	EXPECT(refused_in("Container", "UserNS", "auto:uidmapping=1:2"));
	EXPECT(refused_in("Container", "UserNS", "nomap:size=1"));
	EXPECT(refused_in("Container", "UserNS", "ns:run/n"));
	EXPECT(refused_in("Container", "UserNS", "automatic"));
	EXPECT_TEXT(once_in("Container", "Network", "container:web"), "container:web.service");
	EXPECT_TEXT(once_in("Container", "Network", "web.container"), "container:web.service");
	EXPECT_TEXT(once_in("Container", "Network", "container:systemd-web"), "container:web.service");
	EXPECT_TEXT(once_in("Container", "Network", "ns:/run/netns/a"), "ns:/run/netns/a");
	EXPECT(refused_in("Container", "Network", "container:"));
	EXPECT(refused_in("Container", "Network", "container:a/b"));
	EXPECT_TEXT(once("ProtectHostname", "private:box"), "private:box");
	EXPECT_TEXT(once("ProtectHostname", "yes"), "yes");
	EXPECT(refused("ProtectHostname", "no:box"));
	EXPECT(refused("ProtectHostname", "yes:"));
	EXPECT(refused("ProtectHostname", "private:-"));
	EXPECT_TEXT(once("MountFlags", "shared"), "shared");
	EXPECT(refused("MountFlags", "unbindable"));
	EXPECT_TEXT(once("SetLoginEnvironment", "off"), "no");
	EXPECT(refused("SetLoginEnvironment", "maybe"));
	EXPECT(refused("UTSNamespacePath", "ns"));
	EXPECT_TEXT(once_in("Container", "GroupAdd", "adm 44"), "adm 44");
	EXPECT(refused_in("Container", "GroupAdd", "keep-groups") && strstr(failure.text, "manager"));
	EXPECT_TEXT(once_in("Container", "Sysctl", "net.ipv4.ip_forward=1 kernel.sem='1 2 3 4'"),
		    "net.ipv4.ip_forward=1 kernel.sem=1 2 3 4");
	EXPECT(refused_in("Container", "Sysctl", "vm.swappiness=1") && strstr(failure.text, "machine"));
	EXPECT(refused_in("Container", "Sysctl", "kernel.shmmaximum=1"));
	EXPECT(refused_in("Container", "Sysctl", "kernel.hostname=a") && strstr(failure.text, "HostName="));
	EXPECT(refused_in("Container", "Sysctl", "net..ipv4=1"));
	EXPECT(refused_in("Container", "Sysctl", "net/../vm/swappiness=1"));
	EXPECT(refused_in("Container", "Sysctl", "net.ipv4.ip_forward"));
	EXPECT_TEXT(once_in("Container", "Timezone", "Europe/Vienna"), "Europe/Vienna");
	EXPECT(refused_in("Container", "Timezone", "../etc/shadow"));
	EXPECT(refused_in("Container", "Timezone", "/etc"));
	EXPECT_TEXT(once_in("Container", "ContainerName", "web_1.x"), "web_1.x");
	EXPECT(refused_in("Container", "ContainerName", "-web"));
}

TEST(directories)
{
	EXPECT_TEXT(once("StateDirectory", "web web/data"), "web web/data");
	EXPECT_TEXT(once("StateDirectory", ".//a/./b/ a/b"), "a/b");
	EXPECT_TEXT(once("CacheDirectory", "web:alias x::ro y:z:ro"), "web:alias x::ro y:z:ro");
	EXPECT_TEXT(once("RuntimeDirectory", "\"a b\""), "\"a b\"");
	EXPECT(refused("StateDirectory", "/var/lib/x"));
	EXPECT(refused("StateDirectory", "a/../b"));
	EXPECT(refused("StateDirectory", "."));
	EXPECT(refused("StateDirectory", "private"));
	EXPECT(refused("StateDirectory", "a:private/b"));
	EXPECT(refused("StateDirectory", "a:a"));
	EXPECT(refused("StateDirectory", "a:b:rw"));
	EXPECT(refused("StateDirectory", "a:b:ro:c"));
	EXPECT(refused("ConfigurationDirectory", "a:b"));
	EXPECT_TEXT(once("RuntimeDirectoryPreserve", "restart"), "restart");
	EXPECT(refused("RuntimeDirectoryPreserve", "sometimes"));
	EXPECT_TEXT(once("LogsDirectoryMode", "0700"), "0700");
}

TEST(credentials)
{
	EXPECT_TEXT(once("LoadCredential", "a:/etc/x//y"), "a:/etc/x/y");
	EXPECT_TEXT(once("LoadCredential", "a"), "a");
	EXPECT_TEXT(once("LoadCredential", "a:b"), "a:b");
	EXPECT_TEXT(once("ImportCredential", "a.*:b."), "a.*:b.");
	EXPECT_TEXT(once("ImportCredential", "*"), "*");
	/* Never what is in it. */
	EXPECT_TEXT(once("SetCredential", "a:se\\x63ret value"), "a");
	EXPECT_TEXT(once("SetCredentialEncrypted", "a:c2VjcmV0"), "a");
	EXPECT(refused("LoadCredential", "a b:/x"));
	EXPECT(refused("LoadCredential", "a:b/c"));
	EXPECT(refused("ImportCredential", "*a"));
	EXPECT(refused("ImportCredential", "a:/b"));
	EXPECT(refused("SetCredential", "a"));
	EXPECT(refused("SetCredential", "a:\\z"));
	EXPECT(refused("SetCredentialEncrypted", "a:$$$"));
	EXPECT(refused("SetCredentialEncrypted", "a:"));
	EXPECT(refused_in("Container", "Secret", "a,type=file"));
}

TEST(users)
{
	EXPECT(refused("User", "99999999999999999999"));
	EXPECT(refused("User", "\" 0\""));
	EXPECT_TEXT(once("User", "www-data"), "www-data");
	EXPECT_TEXT(once("User", "4294967294"), "4294967294");
	EXPECT_TEXT(once("User", "_x.y$"), "_x.y$");
	EXPECT(refused("User", "0day"));
	EXPECT(refused("User", "-1"));
	EXPECT(refused("User", "4294967295"));
	EXPECT(refused("User", "4294967296"));
	EXPECT(refused("User", "65535"));
	EXPECT(refused("User", "01"));
	EXPECT(refused("User", "a:b"));
	EXPECT(refused("User", "a/b"));
	EXPECT(refused("User", "abcdefghijklmnopqrstuvwxyzabcdefgh"));
	EXPECT_TEXT(once("SupplementaryGroups", "adm 44"), "adm 44");
	EXPECT(refused("SupplementaryGroups", "adm 44x"));
}

TEST(lists)
{
	begin();
	EXPECT(!set_in("Unit", "After", "a.service b.socket") &&
	       !set_in("Unit", "After", "a.service web@%i.target"));
	EXPECT_TEXT(shown_in("Unit", "After"), "a.service b.socket web@one.target");
	EXPECT(!set_in("Unit", "After", "") && !set_in("Unit", "After", "c.service"));
	EXPECT_TEXT(shown_in("Unit", "After"), "c.service");
	EXPECT(refused_in("Unit", "After", "a"));
	EXPECT(refused_in("Unit", "After", "a/b.service"));
	EXPECT_TEXT(once("Environment", "A=1 \"B=two words\" C=%i"), "A=1 \"B=two words\" C=one");
	EXPECT(refused("Environment", "A"));
	EXPECT(refused("Environment", "1A=2"));
	EXPECT(refused("Environment", "=2"));
	EXPECT_TEXT(once("EnvironmentFile", "-/etc/default/%p"), "/etc/default/web (ignore_errors=yes)");
	EXPECT(refused("EnvironmentFile", "x"));
	EXPECT_TEXT(once("UnsetEnvironment", "A B=c"), "A B=c");
	EXPECT(refused("PassEnvironment", "A-B"));
	EXPECT_TEXT(once_in("Container", "Image", "/a:/b"), "/a /b");
	EXPECT(!set_in("Container", "Layer", "/c") && config->n_origins == 3);
	EXPECT_TEXT(shown_in("Container", "Image"), "/a /b /c");
	EXPECT(!set_in("Container", "Image", "/d") && config->n_origins == 1);
	EXPECT_TEXT(shown_in("Container", "Image"), "/d");
	EXPECT(refused_in("Container", "Layer", "/c"));
	EXPECT(refused_in("Container", "Image", "docker.io/library/nginx"));
	EXPECT_TEXT(once_in("Container", "Mask", "/proc/a:/b"), "/proc/a /b");
	EXPECT_TEXT(once_in("Container", "Unmask", "all"), "ALL");
}

TEST(mounts)
{
	const struct spec_mount *mount;

	EXPECT_TEXT(once("BindPaths", "/a -/b:/c:norbind"), "/a:/a:rbind -/b:/c:bind");
	EXPECT_TEXT(once("BindReadOnlyPaths", "/a:/b"), "/a:/b:rbind,ro");
	EXPECT_TEXT(once("BindPaths", "/a\\:b:/c"), "/a:b:/c:rbind");
	EXPECT(refused("BindPaths", "a:/b"));
	EXPECT(refused("BindPaths", "/a:/b:what"));
	EXPECT(refused("BindPaths", "/a:/b/../c"));
	EXPECT_TEXT(once("TemporaryFileSystem", "/a:size=1M,mode=0700,ro,nodev /b"),
		    "/a:size=1M,mode=0700,ro,nodev /b");
	EXPECT(refused("TemporaryFileSystem", "/a:what=1"));
	EXPECT_TEXT(once("ReadOnlyPaths", "/etc -+/srv"), "/etc -+/srv");
	EXPECT(refused("InaccessiblePaths", "etc"));
	EXPECT_TEXT(once_in("Container", "Volume", "%S/data:/data:ro,noexec,nosuid"),
		    "/state/data:/data:rbind,ro,noexec,nosuid,nodev");
	mount = &config->spec.volumes.items[0];
	EXPECT(mount->recursive && mount->read_only && mount->no_exec && mount->no_suid);
	EXPECT_TEXT(once_in("Container", "Volume", "%Y/x:/x"), "/units/x:/x:rbind,nosuid,nodev");
	EXPECT_TEXT(once_in("Container", "Volume", "/d:/data:U,noidmap"),
		    "/d:/data:rbind,nosuid,nodev,U,noidmap");
	EXPECT_TEXT(once_in("Container", "Volume", "data:/data:rw"), "data:/data:rbind,nosuid,nodev");
	EXPECT_TEXT(once_in("Container", "Volume", "data.volume:/data:suid,dev"), "systemd-data:/data:rbind");
	EXPECT_TEXT(once_in("Container", "Volume", "/data"), "/data:rw,nosuid,nodev");
	EXPECT(refused_in("Container", "Volume", "../data:/data"));
	EXPECT(refused_in("Container", "Volume", "a/b:/data"));
	EXPECT_TEXT(once_in("Container", "Mount", "type=tmpfs,tmpfs-size=1M,dst=/x"),
		    "type=tmpfs,destination=/x,size=1M");
	EXPECT(refused_in("Container", "Mount", "type=tmpfs,tmpfs-size=1M"));
	EXPECT(refused_in("Container", "Mount", "type=bind,src=a/b,dst=/x"));
	EXPECT_TEXT(once_in("Container", "AddDevice", "-/dev/fuse:/dev/other:rw"),
		    "-/dev/fuse:/dev/other:rw");
	EXPECT_TEXT(once_in("Container", "AddDevice", "/dev/fuse:r"), "/dev/fuse:/dev/fuse:r");
	EXPECT(refused_in("Container", "AddDevice", "dev/fuse"));
	EXPECT_TEXT(once("MountImages", "/i:/m:ro,nosuid -/j:/n:root:ro:home:nodev"),
		    "/i:/m:ro,nosuid -/j:/n:root:ro:home:nodev");
	EXPECT(refused("MountImages", "/i"));
	EXPECT(refused("MountImages", "/i:/m:attic:ro"));
	EXPECT_TEXT(once("RootImageOptions", "nosuid home:ro"), "root:nosuid:home:ro");
	EXPECT_TEXT(once("RootImagePolicy", "root=verity+signed:=ignore"), "root=verity+signed:=ignore");
	EXPECT(refused("RootImagePolicy", "root=verity:root=signed"));
	EXPECT(refused("RootImagePolicy", "attic=verity"));
	EXPECT(refused("RootHash", "0123"));
	EXPECT_TEXT(once_in("Container", "UIDMap", "0:100000:1000 1000:0:1"), "0:100000:1000 1000:0:1");
	EXPECT(refused_in("Container", "UIDMap", "0:100000:1000 999:5:1"));
	EXPECT(refused_in("Container", "UIDMap", "0:1"));
	EXPECT(refused_in("Container", "UIDMap", "0:1:0"));
	EXPECT(refused_in("Container", "UIDMap", "0:4294967294:5"));
	EXPECT(refused_in("Container", "UIDMap", "0:1:2:3"));
}

static const char *command(const char *value)
{
	static char text[4096];
	size_t length = 0;

	begin();
	if (set("ExecStart", value))
		return failure.text;
	text[0] = '\0';
	for (size_t i = 0; i < config->commands[SERVICE_EXEC_START].n; i++) {
		const struct exec_command *c = &config->commands[SERVICE_EXEC_START].items[i];

		length += (size_t)snprintf(text + length, sizeof text - length, "%s%s%s%s%s",
					   c->ignore_failure ? "-" : "", c->full_privileges ? "+" : "",
					   c->no_setuid ? "!" : "", c->no_environment ? ":" : "", c->path);
		TEXT_LIST_FOREACH (word, c->argv)
			length += (size_t)snprintf(text + length, sizeof text - length, "<%s>", *word);
	}
	return text;
}

TEST(command_lines)
{
	EXPECT_TEXT(command("/bin/echo one 'two three' %i $X"),
		    "/bin/echo</bin/echo><one><two three><one><$X>");
	EXPECT_TEXT(command("-@:/bin/sh mysh -c x"), "-:/bin/sh<mysh><-c><x>");
	EXPECT_TEXT(command("+/bin/a"), "+/bin/a</bin/a>");
	EXPECT_TEXT(command("!!/bin/a"), "!/bin/a</bin/a>");
	EXPECT_TEXT(command("!/bin/a"), "!/bin/a</bin/a>");
	EXPECT_TEXT(command("|echo hello | cat"), "/bin/sh<sh><-c><echo hello | cat>");
	EXPECT_TEXT(command("/bin/a 1 ; /bin/b 2 \\; 3"), "/bin/a</bin/a><1>/bin/b</bin/b><2><;><3>");
	EXPECT_TEXT(command("nginx -g \"daemon off;\""), "nginx<nginx><-g><daemon off;>");
	EXPECT(refused("ExecStart", "bin/a"));
	EXPECT(refused("ExecStart", "/bin/../a"));
	EXPECT(refused("ExecStart", "-"));
	EXPECT(refused("ExecStart", "; /bin/a"));
	EXPECT(refused("ExecStart", "--/bin/a"));
	EXPECT(refused("ExecStart", "+!/bin/a"));
	EXPECT(refused("ExecStart", "@/bin/a"));
	EXPECT(refused("ExecStart", "@|/bin/a b"));
	EXPECT(refused("ExecStart", "/bin/a 'b"));
	EXPECT(refused("ExecStart", "/bin/a \\q"));
	EXPECT(refused("ExecStart", "/bin/a %z"));
}

TEST(conditions)
{
	begin();
	EXPECT(!set_in("Unit", "ConditionPathExists", "|!/a/%i") &&
	       !set_in("Unit", "AssertPathExists", "/b"));
	EXPECT(config->n_conditions == 2);
	EXPECT(config->conditions[0].trigger && config->conditions[0].negate &&
	       !config->conditions[0].is_assert);
	EXPECT_TEXT(config->conditions[0].parameter, "/a/one");
	EXPECT_TEXT(directive_table[config->conditions[0].directive].name, "ConditionPathExists");
	EXPECT(!set_in("Unit", "ConditionFileNotEmpty", ""));
	EXPECT(config->n_conditions == 1 && config->conditions[0].is_assert);
	EXPECT(refused_in("Unit", "ConditionPathExists", "a"));
}

TEST(nearest_names)
{
	EXPECT_TEXT(directive_nearest("Service", "MemroyMax"), "MemoryMax");
	EXPECT_TEXT(directive_nearest("Service", "execstart"), "ExecStart");
	EXPECT_TEXT(directive_nearest("Service", "After"), "Unit");
	EXPECT(directive_nearest("Service", "Xyzzyq") == NULL);
	EXPECT(directive_find("Service", "Image") == NULL);
	EXPECT(directive_section_known("Service", UNIT_SERVICE) &&
	       !directive_section_known("Service", UNIT_TARGET));
	unit_config_free(config);
	config = NULL;
}

TEST_MAIN
