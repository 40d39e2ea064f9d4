/* The five capability sets of the process, by name. */
#include "guest.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By number: capabilities(7). */
static const char *const capability_names[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};
static_assert(ARRAY_SIZE(capability_names) == CAP_LAST_CAP + 1, "a name for each capability");

static int capability_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(capability_names); i++)
		if (strcasecmp(capability_names[i], name) == 0)
			return i;
	return -1;
}

static int capability_read(const char *set, uint64_t *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint64_t mask = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		const struct __user_cap_data_struct *word = &data[i / 32];
		uint32_t bit = 1u << (i % 32);
		bool has;

		if (strcmp(set, "effective") == 0)
			has = word->effective & bit;
		else if (strcmp(set, "permitted") == 0)
			has = word->permitted & bit;
		else if (strcmp(set, "inheritable") == 0)
			has = word->inheritable & bit;
		else if (strcmp(set, "ambient") == 0)
			has = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1;
		else if (strcmp(set, "bounding") == 0)
			has = prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
		else
			return -EINVAL;
		if (has)
			mask |= UINT64_C(1) << i;
	}
	*ret = mask;
	return 0;
}

static const char *capability_print(uint64_t mask, char *buffer, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(capability_names); i++)
		if (mask & UINT64_C(1) << i)
			length += snprintf(buffer + length, size - length, "%s%s", length ? "," : "",
					   capability_names[i]);
	return length ? buffer : "none";
}

/* LIST is "none", or names; each may say "+name" (there, whatever else is) or "-name" (absent). */
static int capability_check(const char *set, char *list)
{
	uint64_t found = 0, exact = 0, needed = 0, refused = 0;
	bool is_exact = true;
	char buffer[1024], expected[1024], check[64];
	int error = capability_read(set, &found);

	snprintf(check, sizeof check, "capabilities %s", set);
	snprintf(expected, sizeof expected, "%s", list);
	if (error < 0)
		return guest_failed(check, expected, "%s", strerror(-error));
	for (char *rest = list, *word; (word = strsep(&rest, ","));) {
		bool relative = *word == '+' || *word == '-';
		int number = capability_find(word + relative);

		if (strcmp(word, "none") == 0)
			continue;
		if (number < 0)
			return guest_failed(check, "a capability's name", "%s", word);
		is_exact = is_exact && !relative;
		*(*word == '+' ? &needed : *word == '-' ? &refused : &exact) |= UINT64_C(1) << number;
	}
	if (is_exact ? found == exact : (found & needed) == needed && !(found & refused))
		return 0;
	return guest_failed(check, expected, "%s", capability_print(found, buffer, sizeof buffer));
}

static int capability_sets(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++) {
		char *list = words[i], *set = strsep(&list, "=");

		failed |= list ? capability_check(set, list)
			       : guest_failed("capabilities", "SET=LIST", "%s", set);
	}
	return failed;
}

const struct guest_verb capability_verbs[] = {
	{"capabilities", 1, -1, capability_sets,
	 "SET=none|NAME,…|+NAME,-NAME…; SET: bounding effective permitted inheritable ambient"},
	{},
};
