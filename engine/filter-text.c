/* See filter-text.h. The words and forms are those of systemd.resource-control(5). */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <string.h>

#include "base/text.h"
#include "engine/filter-text.h"

/* --- addresses ----------------------------------------------------------------------------------------- */

const char *const *filter_text_prefix_word(const char *word)
{
	static const struct {
		const char *word, *prefixes[3];
	} words[] = {
		{"any", {"0.0.0.0/0", "::/0"}},
		{"localhost", {"127.0.0.0/8", "::1/128"}},
		{"link-local", {"169.254.0.0/16", "fe80::/64"}},
		{"multicast", {"224.0.0.0/4", "ff00::/8"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].prefixes;
	return NULL;
}

/* All of TEXT as a number up to MAX. */
static int filter_text_number(const char *text, unsigned max, unsigned *ret)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits] || strtoul(text, NULL, 10) > max)
		return -EINVAL;
	*ret = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

int filter_text_prefix(const char *text, struct filter_prefix *ret)
{
	const char *slash = strchr(text, '/');
	_cleanup_free_ char *address = slash ? strndup(text, (size_t)(slash - text)) : strdup(text);
	struct filter_prefix prefix = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	unsigned bits = prefix.family == AF_INET6 ? 128 : 32;

	prefix.length = bits;
	if (!address)
		return -ENOMEM;
	if (inet_pton(prefix.family, address, prefix.address) != 1 ||
	    (slash && filter_text_number(slash + 1, bits, &prefix.length) < 0))
		return -EINVAL;
	for (unsigned bit = prefix.length; bit < bits; bit++)
		prefix.address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	*ret = prefix;
	return 0;
}

char *filter_text_print_prefix(const struct filter_prefix *prefix)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(prefix->family, prefix->address, address, sizeof address);
	return text_format("%s/%u", address, prefix->length);
}

/* --- ports --------------------------------------------------------------------------------------------- */

/* Is the next part up to ':' this WORD? Then *TEXT goes behind it. */
static bool filter_text_part(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0 || ((*text)[length] && (*text)[length] != ':'))
		return false;
	*text += length;
	return true;
}

int filter_text_ports(const char *text, struct filter_ports *ret)
{
	struct filter_ports ports = {};
	_cleanup_free_ char *first = NULL;
	unsigned from, to;
	const char *start = text;

	if (filter_text_part(&text, "ipv4"))
		ports.family = AF_INET;
	else if (filter_text_part(&text, "ipv6"))
		ports.family = AF_INET6;
	if (text != start && *text == ':')
		text++;
	start = text;
	if (filter_text_part(&text, "tcp"))
		ports.protocol = IPPROTO_TCP;
	else if (filter_text_part(&text, "udp"))
		ports.protocol = IPPROTO_UDP;
	if (text != start && *text == ':')
		text++;
	*ret = ports;
	if (!*text)
		return ports.family || ports.protocol ? 0 : -EINVAL;
	if (strcmp(text, "any") == 0)
		return 0;
	first = strndup(text, strcspn(text, "-"));
	if (!first)
		return -ENOMEM;
	if (filter_text_number(first, 65535, &from) < 0 || from == 0)
		return -EINVAL;
	to = from;
	text = strchr(text, '-');
	if (text && (filter_text_number(text + 1, 65535, &to) < 0 || to < from))
		return -EINVAL;
	ret->first = (uint16_t)from;
	ret->n = (uint16_t)(to - from + 1);
	return 0;
}

char *filter_text_print_ports(const struct filter_ports *ports)
{
	const char *family = ports->family == AF_INET ? "ipv4:" : ports->family ? "ipv6:" : "";
	const char *protocol = ports->protocol == IPPROTO_TCP ? "tcp:" : ports->protocol ? "udp:" : "";

	if (ports->n == 0)
		return text_format("%s%sany", family, protocol);
	if (ports->n == 1)
		return text_format("%s%s%u", family, protocol, ports->first);
	return text_format("%s%s%u-%u", family, protocol, ports->first, ports->first + ports->n - 1u);
}

/* --- names --------------------------------------------------------------------------------------------- */

bool filter_text_access_valid(const char *letters)
{
	size_t length = strspn(letters, "rwm");

	if (length == 0 || length > 3 || letters[length])
		return false;
	for (size_t i = 0; i < length; i++)
		if (strchr(letters + i + 1, letters[i]))
			return false;
	return true;
}

bool filter_text_device_valid(const char *device)
{
	if (text_starts_with(device, "char-"))
		return device[strlen("char-")] != '\0';
	if (text_starts_with(device, "block-"))
		return device[strlen("block-")] != '\0';
	return text_starts_with(device, "/dev/");
}

int filter_text_attach(const char *name)
{
	static const struct {
		const char *name;
		int attach;
	} types[] = {
		{"egress", BPF_CGROUP_INET_EGRESS},
		{"ingress", BPF_CGROUP_INET_INGRESS},
		{"sock_create", BPF_CGROUP_INET_SOCK_CREATE},
		{"sock_ops", BPF_CGROUP_SOCK_OPS},
		{"device", BPF_CGROUP_DEVICE},
		{"bind4", BPF_CGROUP_INET4_BIND},
		{"bind6", BPF_CGROUP_INET6_BIND},
		{"connect4", BPF_CGROUP_INET4_CONNECT},
		{"connect6", BPF_CGROUP_INET6_CONNECT},
		{"post_bind4", BPF_CGROUP_INET4_POST_BIND},
		{"post_bind6", BPF_CGROUP_INET6_POST_BIND},
		{"sendmsg4", BPF_CGROUP_UDP4_SENDMSG},
		{"sendmsg6", BPF_CGROUP_UDP6_SENDMSG},
		{"sysctl", BPF_CGROUP_SYSCTL},
		{"recvmsg4", BPF_CGROUP_UDP4_RECVMSG},
		{"recvmsg6", BPF_CGROUP_UDP6_RECVMSG},
		{"getsockopt", BPF_CGROUP_GETSOCKOPT},
		{"setsockopt", BPF_CGROUP_SETSOCKOPT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].attach;
	return -EINVAL;
}

/* As the kernel's dev_valid_name() has it; an alternative name may be longer. */
bool filter_text_interface_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > 127 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || *name == '%' || *name <= ' ' || *name == 127)
			return false;
	return true;
}

/* An identifier as nft(8) takes it: a letter, then letters, digits, and / \ _ . */
static bool filter_text_take_identifier(char *to, size_t size, const char *from, size_t length)
{
	if (length == 0 || length >= size || !isalpha((unsigned char)from[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)from[i]) && !strchr("/\\_.", from[i]))
			return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static const struct filter_text_number {
	const char *name;
	int number;
} filter_text_sources[] = {{"cgroup", FILTER_SET_CGROUP},
			   {"user", FILTER_SET_USER},
			   {"group", FILTER_SET_GROUP}},
  filter_text_families[] = {{"arp", NFPROTO_ARP}, {"bridge", NFPROTO_BRIDGE}, {"inet", NFPROTO_INET},
			    {"ip", NFPROTO_IPV4}, {"ip6", NFPROTO_IPV6},      {"netdev", NFPROTO_NETDEV}};

static const char *filter_text_name(const struct filter_text_number *names, size_t n, int number)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].number == number)
			return names[i].name;
	return "";
}

char *filter_text_print_set(const struct filter_set *set, const char *table, const char *name)
{
	return text_format(
		"%s:%s:%s:%s",
		filter_text_name(filter_text_sources, ARRAY_SIZE(filter_text_sources), set->source),
		filter_text_name(filter_text_families, ARRAY_SIZE(filter_text_families), set->family), table,
		name);
}

int filter_text_set(const char *text, struct filter_set *ret)
{
	struct filter_set set = {};
	const char *start = text;

	for (size_t i = 0; i < ARRAY_SIZE(filter_text_sources) && text == start; i++)
		if (filter_text_part(&text, filter_text_sources[i].name))
			set.source = filter_text_sources[i].number;
	if (text == start || *text++ != ':')
		return -EINVAL;
	start = text;
	for (size_t i = 0; i < ARRAY_SIZE(filter_text_families) && text == start; i++)
		if (filter_text_part(&text, filter_text_families[i].name))
			set.family = filter_text_families[i].number;
	if (text == start || *text++ != ':')
		return -EINVAL;
	if (!filter_text_take_identifier(set.table, sizeof set.table, text, strcspn(text, ":")))
		return -EINVAL;
	text += strcspn(text, ":");
	if (*text++ != ':' || !filter_text_take_identifier(set.set, sizeof set.set, text, strlen(text)))
		return -EINVAL;
	*ret = set;
	return 0;
}
