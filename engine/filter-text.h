/* How the rules of filters are written: read from a user's words, and written in the one form that is kept in
 * a spec. */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

/* "10.0.0.0/8", "::1". */
struct filter_prefix {
	int family; /* AF_INET or AF_INET6 */
	unsigned length;
	uint8_t address[16]; /* network order, the bits beyond the length zero */
};
/* -EINVAL when TEXT is no address, with or without a length. */
int filter_text_prefix(const char *text, struct filter_prefix *ret);
char *filter_text_print_prefix(const struct filter_prefix *prefix);
/* The prefixes that a word such as "localhost" stands for: a list that ends with NULL; NULL: no such word. */
const char *const *filter_text_prefix_word(const char *word);

/* "[ipv4:|ipv6:][tcp:|udp:]PORT[-PORT]", or "any" in place of the ports or of all. */
struct filter_ports {
	int family;	   /* AF_INET, AF_INET6; 0: both */
	int protocol;	   /* IPPROTO_TCP, IPPROTO_UDP; 0: both */
	uint16_t n, first; /* n = 0: all ports */
};
int filter_text_ports(const char *text, struct filter_ports *ret);
char *filter_text_print_ports(const struct filter_ports *ports);

/* The letters of access to a device: some of "rwm", each once. */
bool filter_text_access_valid(const char *letters);
/* A path below /dev, "char-GROUP" or "block-GROUP". */
bool filter_text_device_valid(const char *device);

/* BPF_CGROUP_* of a name such as "egress" or "bind4"; -EINVAL when there is none. */
int filter_text_attach(const char *name);

bool filter_text_interface_valid(const char *name);

/* "cgroup:inet:TABLE:SET" */
enum filter_set_source {
	FILTER_SET_CGROUP = 3,
	FILTER_SET_USER = 4,
	FILTER_SET_GROUP = 5
}; /* systemd's numbers */
struct filter_set {
	enum filter_set_source source;
	int family; /* NFPROTO_* */
	char table[64], set[64];
};
int filter_text_set(const char *text, struct filter_set *ret);
/* TABLE and NAME are set->table and ->set, which need not be valid. */
char *filter_text_print_set(const struct filter_set *set, const char *table, const char *name);
