/* Directives that are lists of rules: each read from good and bad text, and shown in the one form that is kept. */
#include "test.h"
#include "units/assign.h"

static struct unit_config *config;
static struct failure failure;

static void begin(void)
{
	unit_config_free(config);
	config = unit_config_new("web.service", UNIT_SERVICE);
	EXPECT(config);
}

/* Assigns NAME=VALUE; returns the error's text or NULL. */
static const char *set(const char *name, const char *value)
{
	struct directive_line line = {
		.directive = directive_find("Service", name), .value = value, .config = config};

	EXPECT(line.directive);
	failure = (struct failure){};
	return assign_setting(&line, (struct assign_place){.line = 1}, &failure) < 0 ? failure.text : NULL;
}

static const char *shown(const char *name)
{
	static char text[4096];
	char *printed = directive_print(directive_find("Service", name), config);

	EXPECT(printed);
	snprintf(text, sizeof text, "%s", printed);
	free(printed);
	return text;
}

/* Assigns to a fresh config and shows; "!" for what is refused. */
static const char *once(const char *name, const char *value)
{
	begin();
	return set(name, value) ? "!" : shown(name);
}

static void expect_refused(const char *name, const char *const *values)
{
	for (; *values; values++) {
		begin();
		if (!set(name, *values)) {
			printf("# %s=%s is taken as %s\n", name, *values, shown(name));
			EXPECT(!"a bad value is refused");
		}
		EXPECT(strstr(failure.text, name) == failure.text && failure.error == -EINVAL);
	}
}
#define EXPECT_REFUSED(name, ...) expect_refused((name), (const char *const[]){__VA_ARGS__, NULL})

TEST(device_allow)
{
	EXPECT_TEXT(once("DeviceAllow", "/dev//null"), "\"/dev/null rwm\"");
	EXPECT_TEXT(once("DeviceAllow", "char-pts rw"), "\"char-pts rw\"");
	EXPECT_TEXT(once("DeviceAllow", "block-* m"), "\"block-* m\"");
	begin();
	EXPECT(!set("DeviceAllow", "/dev/a r") && !set("DeviceAllow", "/dev/b w") &&
	       !set("DeviceAllow", "/dev/a r"));
	EXPECT_TEXT(shown("DeviceAllow"), "\"/dev/a r\" \"/dev/b w\"");
	EXPECT(!set("DeviceAllow", ""));
	EXPECT_TEXT(shown("DeviceAllow"), "");
	EXPECT_REFUSED("DeviceAllow", "/etc/passwd r", "null r", "/dev/null x", "/dev/null rr",
		       "/dev/null rwmx", "/dev/null r w", "char- r", "block-", "/dev/../etc/passwd r");
	EXPECT_REFUSED("DevicePolicy", "open", "CLOSED", "1");
}

TEST(ip_addresses)
{
	EXPECT_TEXT(once("IPAddressAllow", "10.1.2.3/8 ::1"), "10.0.0.0/8 ::1/128");
	EXPECT_TEXT(once("IPAddressDeny", "any"), "0.0.0.0/0 ::/0");
	EXPECT_TEXT(once("IPAddressDeny", "localhost 127.0.0.1/8"), "127.0.0.0/8 ::1/128");
	EXPECT_TEXT(once("IPAddressDeny", "link-local multicast"),
		    "169.254.0.0/16 fe80::/64 224.0.0.0/4 ff00::/8");
	begin();
	EXPECT(!set("IPAddressAllow", "1.1.1.1") && !set("IPAddressAllow", "2.2.2.2"));
	EXPECT_TEXT(shown("IPAddressAllow"), "1.1.1.1/32 2.2.2.2/32");
	EXPECT(!set("IPAddressAllow", ""));
	EXPECT_TEXT(shown("IPAddressAllow"), "");
	EXPECT_REFUSED("IPAddressAllow", "10", "example.com", "1.2.3.4/33", "Any", "::/200", "1.2.3.4 bogus");
}

TEST(socket_bind)
{
	EXPECT_TEXT(once("SocketBindAllow", "ipv4:tcp:80 ipv6:udp:1-1023"), "ipv4:tcp:80 ipv6:udp:1-1023");
	EXPECT_TEXT(once("SocketBindDeny", "any"), "any");
	EXPECT_TEXT(once("SocketBindDeny", "ipv4 tcp ipv6:udp 443-443 udp:any"),
		    "ipv4:any tcp:any ipv6:udp:any 443 udp:any");
	EXPECT_REFUSED("SocketBindAllow", "0", "65536", "tcp:0-5", "9-5", "ipv5:80", "tcp:ipv4:80", "80-",
		       "-80", "all", "ipv4::80", ":", "80:tcp");
}

TEST(network_interfaces)
{
	EXPECT_TEXT(once("RestrictNetworkInterfaces", "lo eth0"), "lo eth0");
	EXPECT_TEXT(once("RestrictNetworkInterfaces", "~eth0 eth1"), "~ eth0 eth1");
	begin();
	EXPECT(!set("RestrictNetworkInterfaces", "lo eth0") && !set("RestrictNetworkInterfaces", "~lo"));
	EXPECT_TEXT(shown("RestrictNetworkInterfaces"), "eth0");
	EXPECT(!set("RestrictNetworkInterfaces", "~eth0") && !config->spec.filters->interfaces);
	begin();
	EXPECT(!set("RestrictNetworkInterfaces", "~lo eth0") && !set("RestrictNetworkInterfaces", "lo"));
	EXPECT_TEXT(shown("RestrictNetworkInterfaces"), "~ eth0");
	EXPECT(!set("RestrictNetworkInterfaces", "eth0") && !config->spec.filters->interfaces);
	EXPECT_REFUSED("RestrictNetworkInterfaces", "a/b", "eth:0", "..");
}

TEST(pinned_programs)
{
	EXPECT_TEXT(once("BPFProgram", "egress:/sys/fs/bpf//x bind4:/p"), "egress:/sys/fs/bpf/x bind4:/p");
	EXPECT_REFUSED("BPFProgram", "egress", "egress:", "egress:relative", "xdp:/sys/fs/bpf/x",
		       "/sys/fs/bpf/x");
	EXPECT_TEXT(once("IPIngressFilterPath", "/sys/fs/bpf/a"), "/sys/fs/bpf/a");
	EXPECT_REFUSED("IPEgressFilterPath", "relative", "egress:/x");
}

TEST(packet_filter_sets)
{
	EXPECT_TEXT(once("NFTSet", "cgroup:inet:t:s user:ip6:a.b:c_d"), "cgroup:inet:t:s user:ip6:a.b:c_d");
	EXPECT_REFUSED("NFTSet", "cgroup", "cgroup:inet", "cgroup:inet:t", "cgroup:inet:t:", "cgroup:inet::s",
		       "process:inet:t:s", "user:ipv4:t:s", "user:inet:1t:s", "user:inet:t:s:x",
		       "user:inet:t t:s", "cgroups:inet:t:s");
}

TEST(file_systems)
{
	EXPECT_TEXT(once("RestrictFileSystems", "ext4 @temporary"), "ext4 ramfs tmpfs");
	EXPECT_TEXT(once("RestrictFileSystems", "~@security"), "~ apparmorfs selinuxfs smackfs");
	begin();
	EXPECT(!set("RestrictFileSystems", "ext4 @temporary") && !set("RestrictFileSystems", "~ramfs xfs"));
	EXPECT_TEXT(shown("RestrictFileSystems"), "ext4 tmpfs");
	EXPECT_REFUSED("RestrictFileSystems", "ext5", "@all", "ext4 ~tmpfs", "@");
}

TEST(nothing_is_left)
{
	config = unit_config_free(config);
}

TEST_MAIN
