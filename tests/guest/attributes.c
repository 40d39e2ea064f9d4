/* How the kernel treats the process: what it was given before it was executed. */
#include "guest.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* "fifo 20", "idle 0", with "reset" last when SCHED_RESET_ON_FORK is set */
static int attributes_scheduler(char **words, int n_words)
{
	static const char *const names[] = {
		[SCHED_OTHER] = "other", [SCHED_FIFO] = "fifo", [SCHED_RR] = "rr",
		[SCHED_BATCH] = "batch", [SCHED_IDLE] = "idle",
	};
	struct sched_param parameter = {};
	int policy = sched_getscheduler(0);
	const char *reset = policy & SCHED_RESET_ON_FORK ? " reset" : "";
	char expected[64], found[64];

	policy &= ~SCHED_RESET_ON_FORK;
	sched_getparam(0, &parameter);
	snprintf(expected, sizeof expected, "%s %s%s%s", words[0], words[1], n_words > 2 ? " " : "",
		 n_words > 2 ? words[2] : "");
	snprintf(found, sizeof found, "%s %d%s", policy >= 0 && policy < 6 ? names[policy] : "?",
		 parameter.sched_priority, reset);
	return guest_expect_text("scheduler", expected, found);
}

static const char *attributes_print_mask(const unsigned char *mask, size_t bits, char *buffer, size_t size)
{
	size_t length = 0;

	*buffer = '\0';
	for (size_t i = 0; i < bits && length < size; i++)
		if (mask[i / 8] >> i % 8 & 1)
			length += snprintf(buffer + length, size - length, "%s%zu", length ? "," : "", i);
	return buffer;
}

static int attributes_cpus(char **words, int n_words _unused_)
{
	unsigned char mask[1024] = {};
	char found[4096];

	if (syscall(SYS_sched_getaffinity, 0, sizeof mask, mask) < 0)
		return guest_failed("cpus", words[0], "%s", strerror(errno));
	return guest_expect_text("cpus", words[0], attributes_print_mask(mask, 8192, found, sizeof found));
}

/* "bind 0": the policy and its nodes */
static int attributes_memory_policy(char **words, int n_words)
{
	static const char *const names[] = {"default", "preferred", "bind", "interleave", "local"};
	unsigned char mask[1024] = {};
	char nodes[4096];
	int policy = -1;

	if (syscall(SYS_get_mempolicy, &policy, mask, sizeof mask * 8, NULL, 0) < 0)
		return guest_failed("memory-policy", words[0], "%s", strerror(errno));
	return guest_expect_text("memory-policy", words[0],
				 policy >= 0 && policy < 5 ? names[policy] : "another") |
	       guest_expect_text("memory-policy nodes", n_words > 1 ? words[1] : "",
				 attributes_print_mask(mask, 8192, nodes, sizeof nodes));
}

static int attributes_io_priority(char **words, int n_words _unused_)
{
	static const char *const classes[] = {"none", "realtime", "best-effort", "idle"};
	int value = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0);
	char expected[64], found[64];

	snprintf(expected, sizeof expected, "%s %s", words[0], words[1]);
	snprintf(found, sizeof found, "%s %d", value < 0 ? strerror(errno) : classes[value >> 13 & 3],
		 value & 7);
	return guest_expect_text("io-priority", expected, found);
}

static int attributes_personality(char **words, int n_words _unused_)
{
	char found[32];

	snprintf(found, sizeof found, "%#x", (unsigned)personality(~0u));
	return guest_expect_text("personality", words[0], found);
}

static int attributes_coredump_filter(char **words, int n_words _unused_)
{
	char text[64];
	ssize_t n = guest_read("/proc/self/coredump_filter", text, sizeof text);

	return guest_expect_text("coredump-filter", words[0], n < 0 ? strerror((int)-n) : text);
}

static int attributes_memory_ksm(char **words, int n_words _unused_)
{
	return guest_expect_number("memory-ksm", words[0], prctl(68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0));
}

static int attributes_secure_bits(char **words, int n_words _unused_)
{
	char found[32];

	snprintf(found, sizeof found, "%#x", (unsigned)prctl(PR_GET_SECUREBITS));
	return guest_expect_text("secure-bits", words[0], found);
}

static int attributes_deny_write_execute(char **words, int n_words _unused_)
{
	return guest_expect_number("deny-write-execute", words[0], prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0));
}

/* The session keyring: "own", made for this process and its children; "own user", with the user's in it */
static int attributes_keyring(char **words, int n_words)
{
	int keys[64], user = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0);
	char text[256] = "", found[64];
	const char *name;
	bool linked = false;
	long n;

	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text) < 0)
		return guest_failed("keyring", words[0], "%s", strerror(errno));
	name = strrchr(text, ';');
	n = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys);
	for (long i = 0; i < n / (long)sizeof *keys && i < 64; i++)
		linked |= keys[i] == user;
	snprintf(found, sizeof found, "%s%s", name && strcmp(name, ";_ses") == 0 ? "own" : "user's",
		 linked ? " user" : "");
	return n_words > 1 ? guest_expect_text("keyring", "own user", found)
			   : guest_expect_text("keyring", words[0], found);
}

/* The serial number of the session keyring, on standard output. */
static int attributes_print_keyring(char **words _unused_, int n_words _unused_)
{
	printf("keyring %ld\n", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	fflush(stdout);
	return 0;
}

const struct guest_verb attributes_verbs[] = {
	{"scheduler", 2, 3, attributes_scheduler, "POLICY PRIORITY [reset]"},
	{"cpus", 1, 1, attributes_cpus, "N,N…"},
	{"memory-policy", 1, 2, attributes_memory_policy, "NAME [NODES]"},
	{"io-priority", 2, 2, attributes_io_priority, "CLASS LEVEL"},
	{"personality", 1, 1, attributes_personality, "HEXADECIMAL"},
	{"coredump-filter", 1, 1, attributes_coredump_filter, "HEXADECIMAL"},
	{"memory-ksm", 1, 1, attributes_memory_ksm, "0|1"},
	{"secure-bits", 1, 1, attributes_secure_bits, "HEXADECIMAL"},
	{"deny-write-execute", 1, 1, attributes_deny_write_execute, "NUMBER"},
	{"keyring", 1, 2, attributes_keyring, "own [user]"},
	{"print-keyring", 0, 0, attributes_print_keyring, ""},
	{},
};
