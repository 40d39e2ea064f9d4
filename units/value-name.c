/* Values that are names for numbers: enumerations, signals, errnos, exit statuses, capabilities, system
 * calls, namespaces. See value.h. The numbers are the kernel's; a name the kernel of this build does not know
 * is an error. */
#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "units/value.h"

/* --- enumerations: a name that begins with '-' is shown but cannot be written
 * -------------------------------------- */

static char *value_join_names(const char *const *names)
{
	struct text_buffer buffer = {};

	for (; *names; names++)
		if (**names != '-')
			text_buffer_append(&buffer, "%s%s", buffer.length ? ", " : "", *names);
	return text_buffer_finish(&buffer);
}

static int value_find_name(const char *const *names, const char *text)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], text) == 0 && *text != '-')
			return i;
	return -1;
}

int value_parse_enum(const struct directive_line *line, void *field, struct failure *failure)
{
	const struct directive *directive = line->directive;
	int value = value_find_name(directive->names, line->value);
	_cleanup_free_ char *names = NULL;
	bool yes;

	/* Where "yes" or "no" is one of the names (or `argument` says what "yes" means), every word for it
	 * will do. */
	if (value < 0 && value_read_bool(line->value, &yes) == 0) {
		value = value_find_name(directive->names, yes ? "yes" : "no");
		if (value < 0 && yes && directive->argument)
			value = directive->argument;
	}
	if (value < 0) {
		names = value_join_names(directive->names);
		return failure_set(failure, -EINVAL, NULL, "'%s' is none of: %s", line->value,
				   names ? names : "");
	}
	*(int *)field = value;
	return 0;
}

char *value_print_enum(const struct directive *directive, const void *field)
{
	const char *name = directive->names[*(const int *)field];

	return strdup(name + (*name == '-'));
}

/* --- signals ------------------------------------------------------------------------------------------ */

int value_read_signal(const char *text, int *ret)
{
	uint64_t number;

	if (value_read_number(text, SIGRTMAX, &number) == 0 && number > 0) {
		*ret = (int)number;
		return 0;
	}
	if (text_starts_with(text, "SIG"))
		text += 3;
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcmp(name, text) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (strcmp(text, "RTMIN") == 0) {
		*ret = SIGRTMIN;
		return 0;
	}
	if (strcmp(text, "RTMAX") == 0) {
		*ret = SIGRTMAX;
		return 0;
	}
	if (text_starts_with(text, "RTMIN+") &&
	    value_read_number(text + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number) == 0) {
		*ret = SIGRTMIN + (int)number;
		return 0;
	}
	if (text_starts_with(text, "RTMAX-") &&
	    value_read_number(text + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number) == 0) {
		*ret = SIGRTMAX - (int)number;
		return 0;
	}
	return -EINVAL;
}

const char *value_signal_name(int signal, char buffer[static 24])
{
	const char *name = signal > 0 && signal < SIGRTMIN ? sigabbrev_np(signal) : NULL;

	if (name)
		snprintf(buffer, 24, "SIG%s", name);
	else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
		snprintf(buffer, 24, "SIGRTMIN+%d", signal - SIGRTMIN);
	else
		snprintf(buffer, 24, "%d", signal);
	return buffer;
}

int value_parse_signal(const struct directive_line *line, void *field, struct failure *failure)
{
	if (value_read_signal(line->value, field) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no signal", line->value);
	return 0;
}

char *value_print_signal(const struct directive *directive _unused_, const void *field)
{
	return text_format("%d", *(const int *)field);
}

/* --- errno: "kill" is 0, the process ends instead
 * ---------------------------------------------------------------- */

int value_parse_errno(const struct directive_line *line, void *field, struct failure *failure)
{
	enum { LARGEST = 4095 }; /* what fits a filter */
	uint64_t number;

	if (strcmp(line->value, "kill") == 0) {
		*(int *)field = 0;
		return 0;
	}
	if (value_read_number(line->value, LARGEST, &number) == 0 && number > 0) {
		*(int *)field = (int)number;
		return 0;
	}
	for (int i = 1; i <= EHWPOISON; i++) {
		const char *name = strerrorname_np(i);

		if (name && strcmp(name, line->value) == 0) {
			*(int *)field = i;
			return 0;
		}
	}
	return failure_set(failure, -EINVAL, NULL, "'%s' is neither an error (such as 'EPERM') nor 'kill'",
			   line->value);
}

char *value_print_errno(const struct directive *directive _unused_, const void *field)
{
	int value = *(const int *)field;

	const char *name = strerrorname_np(value);

	if (value == 0)
		return strdup("kill");
	return name ? strdup(name) : text_format("%d", value);
}

/* --- exit statuses ----------------------------------------------------------------------------------------
 */

/* systemd.exec(5), "Process Exit Codes", and sysexits.h. */
static const struct {
	const char *name;
	uint8_t status;
} value_exit_names[] = {
	{"SUCCESS", 0},
	{"FAILURE", 1},
	{"INVALIDARGUMENT", 2},
	{"NOTIMPLEMENTED", 3},
	{"NOPERMISSION", 4},
	{"NOTINSTALLED", 5},
	{"NOTCONFIGURED", 6},
	{"NOTRUNNING", 7},
	{"USAGE", 64},
	{"DATAERR", 65},
	{"NOINPUT", 66},
	{"NOUSER", 67},
	{"NOHOST", 68},
	{"UNAVAILABLE", 69},
	{"SOFTWARE", 70},
	{"OSERR", 71},
	{"OSFILE", 72},
	{"CANTCREAT", 73},
	{"IOERR", 74},
	{"TEMPFAIL", 75},
	{"PROTOCOL", 76},
	{"NOPERM", 77},
	{"CONFIG", 78},
	{"CHDIR", 200},
	{"NICE", 201},
	{"FDS", 202},
	{"EXEC", 203},
	{"MEMORY", 204},
	{"LIMITS", 205},
	{"OOM_ADJUST", 206},
	{"SIGNAL_MASK", 207},
	{"STDIN", 208},
	{"STDOUT", 209},
	{"CHROOT", 210},
	{"IOPRIO", 211},
	{"TIMERSLACK", 212},
	{"SECUREBITS", 213},
	{"SETSCHEDULER", 214},
	{"CPUAFFINITY", 215},
	{"GROUP", 216},
	{"USER", 217},
	{"CAPABILITIES", 218},
	{"CGROUP", 219},
	{"SETSID", 220},
	{"CONFIRM", 221},
	{"STDERR", 222},
	{"PAM", 224},
	{"NETWORK", 225},
	{"NAMESPACE", 226},
	{"NO_NEW_PRIVILEGES", 227},
	{"SECCOMP", 228},
	{"SELINUX_CONTEXT", 229},
	{"PERSONALITY", 230},
	{"APPARMOR", 231},
	{"ADDRESS_FAMILIES", 232},
	{"RUNTIME_DIRECTORY", 233},
	{"CHOWN", 235},
	{"SMACK_PROCESS_LABEL", 236},
	{"KEYRING", 237},
	{"STATE_DIRECTORY", 238},
	{"CACHE_DIRECTORY", 239},
	{"LOGS_DIRECTORY", 240},
	{"CONFIGURATION_DIRECTORY", 241},
	{"NUMA_POLICY", 242},
	{"CREDENTIALS", 243},
	{"EXCEPTION", 255},
};

static int value_read_exit_status(const char *word, struct exit_status_set *set)
{
	uint64_t number;
	int signal;

	if (value_read_number(word, 255, &number) == 0) {
		set->statuses[number / 64] |= UINT64_C(1) << number % 64;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(value_exit_names); i++)
		if (strcmp(value_exit_names[i].name, word) == 0) {
			set->statuses[value_exit_names[i].status / 64] |= UINT64_C(1)
									  << value_exit_names[i].status % 64;
			return 0;
		}
	/* A number was an exit status; a signal must be named, and 64 bits hold signals 0 to 63. */
	if (!isdigit((unsigned char)*word) && value_read_signal(word, &signal) == 0 && signal < 64) {
		set->signals |= UINT64_C(1) << signal;
		return 0;
	}
	return -EINVAL;
}

int value_parse_exit_status_set(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (value_read_exit_status(word, field) < 0)
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is neither an exit status nor a signal", word);
	}
}

char *value_print_exit_status_set(const struct directive *directive _unused_, const void *field)
{
	const struct exit_status_set *set = field;
	struct text_buffer buffer = {};
	char name[24];

	for (unsigned i = 0; i < 256; i++)
		if (set->statuses[i / 64] >> i % 64 & 1)
			text_buffer_append(&buffer, "%s%u", buffer.length ? " " : "", i);
	for (int i = 1; i < 64; i++)
		if (set->signals >> i & 1)
			text_buffer_append(&buffer, "%s%s", buffer.length ? " " : "",
					   value_signal_name(i, name));
	return text_buffer_finish(&buffer);
}

/* --- capabilities -----------------------------------------------------------------------------------------
 */

static const char *const value_capability_names[] = {
	[CAP_CHOWN] = "CHOWN",
	[CAP_DAC_OVERRIDE] = "DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "DAC_READ_SEARCH",
	[CAP_FOWNER] = "FOWNER",
	[CAP_FSETID] = "FSETID",
	[CAP_KILL] = "KILL",
	[CAP_SETGID] = "SETGID",
	[CAP_SETUID] = "SETUID",
	[CAP_SETPCAP] = "SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "NET_BROADCAST",
	[CAP_NET_ADMIN] = "NET_ADMIN",
	[CAP_NET_RAW] = "NET_RAW",
	[CAP_IPC_LOCK] = "IPC_LOCK",
	[CAP_IPC_OWNER] = "IPC_OWNER",
	[CAP_SYS_MODULE] = "SYS_MODULE",
	[CAP_SYS_RAWIO] = "SYS_RAWIO",
	[CAP_SYS_CHROOT] = "SYS_CHROOT",
	[CAP_SYS_PTRACE] = "SYS_PTRACE",
	[CAP_SYS_PACCT] = "SYS_PACCT",
	[CAP_SYS_ADMIN] = "SYS_ADMIN",
	[CAP_SYS_BOOT] = "SYS_BOOT",
	[CAP_SYS_NICE] = "SYS_NICE",
	[CAP_SYS_RESOURCE] = "SYS_RESOURCE",
	[CAP_SYS_TIME] = "SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "SYS_TTY_CONFIG",
	[CAP_MKNOD] = "MKNOD",
	[CAP_LEASE] = "LEASE",
	[CAP_AUDIT_WRITE] = "AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "AUDIT_CONTROL",
	[CAP_SETFCAP] = "SETFCAP",
	[CAP_MAC_OVERRIDE] = "MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "MAC_ADMIN",
	[CAP_SYSLOG] = "SYSLOG",
	[CAP_WAKE_ALARM] = "WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "AUDIT_READ",
	[CAP_PERFMON] = "PERFMON",
	[CAP_BPF] = "BPF",
	[CAP_CHECKPOINT_RESTORE] = "CHECKPOINT_RESTORE",
};
static_assert(ARRAY_SIZE(value_capability_names) == CAP_LAST_CAP + 1, "a name for every capability");

/* Whether the kernel has one of a higher number than we have names for is asked when the set is used. */
int value_read_capability(const char *name, bool allow_all, uint64_t *ret)
{
	uint64_t number;

	if (allow_all && strcasecmp(name, "all") == 0) {
		*ret = SPEC_CAP_ALL;
		return 0;
	}
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(value_capability_names); i++)
		if (strcasecmp(value_capability_names[i], name) == 0) {
			*ret = UINT64_C(1) << i;
			return 0;
		}
	if (value_read_number(name, 62, &number) < 0)
		return -EINVAL;
	*ret = UINT64_C(1) << number;
	return 0;
}

/* The bounding set begins full and the ambient set empty; the first assignment of either replaces that, later
 * ones add or, with "~", take away: systemd.exec(5), CapabilityBoundingSet=. `argument` is 1 where the
 * beginning is empty. */
int value_parse_capabilities(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t *set = field, initial = line->directive->argument ? 0 : SPEC_CAP_ALL, sum = 0;
	const char *cursor = line->value + (line->value[0] == '~');
	bool invert = line->value[0] == '~';
	int r;

	if (!*line->value) {
		*set = 0;
		return 0;
	}
	for (;;) {
		_cleanup_free_ char *word = NULL;
		uint64_t bit;

		r = value_next_word(line, &cursor, &word, failure);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (value_read_capability(word, false, &bit) < 0 ||
		    (strncasecmp(word, "CAP_", 4) != 0 && !isdigit((unsigned char)*word)))
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is no capability (such as 'CAP_NET_BIND_SERVICE')", word);
		sum |= bit;
	}
	if (*set == initial)
		*set = invert ? SPEC_CAP_ALL & ~sum : sum;
	else
		*set = invert ? *set & ~sum : *set | sum;
	return 0;
}

char *value_print_capabilities(const struct directive *directive _unused_, const void *field)
{
	uint64_t set = *(const uint64_t *)field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < ARRAY_SIZE(value_capability_names); i++)
		if (set >> i & 1) {
			text_buffer_append(&buffer, "%scap_", buffer.length ? " " : "");
			for (const char *c = value_capability_names[i]; *c; c++)
				text_buffer_append(&buffer, "%c", tolower((unsigned char)*c));
		}
	/* Of a complement the bits that no kernel has are set too. */
	for (unsigned i = ARRAY_SIZE(value_capability_names); i < 63 && !(set >> 63); i++)
		if (set >> i & 1)
			text_buffer_append(&buffer, "%scap_%u", buffer.length ? " " : "", i);
	return text_buffer_finish(&buffer);
}

/* --- system calls: the names are checked where libseccomp is, when the program is compiled
 * ----------------------------- */

static bool value_system_call_valid(const char *name)
{
	size_t length;

	name += *name == '@';
	length = strcspn(name, ":");
	if (length == 0 || length > 64)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
			return false;
	return !name[length] || name[length + 1];
}

int value_parse_system_calls(const struct directive_line *line, void *field, struct failure *failure)
{
	struct spec_system_calls *calls = field;
	bool invert = line->value[0] == '~';
	const char *cursor = line->value + invert;
	int r;

	if (!calls->names)
		calls->allow_list = !invert;
	calls->ignore_unknown |= line->lenient;
	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!value_system_call_valid(word))
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is no name of a system call or @group", word);
		/* An allowed call returns what it returns, and what is logged too. */
		if (strchr(word, ':') && (!invert || line->directive->argument & VALUE_CALLS_NO_ERRNO)) {
			if (line->lenient)
				continue;
			return failure_set(failure, -EINVAL, NULL,
					   "'%s': only a call that is refused can have an error number",
					   word);
		}
		r = text_list_take(&calls->names, text_format("%s%s", invert ? "~" : "", word));
		if (r < 0)
			return r;
	}
}

char *value_print_system_calls(const struct directive *directive _unused_, const void *field)
{
	return text_list_join(((const struct spec_system_calls *)field)->names, " ");
}

/* --- namespaces -------------------------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	uint64_t flag;
} value_namespaces[] = {
	{"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},   {"net", CLONE_NEWNET}, {"mnt", CLONE_NEWNS},
	{"pid", CLONE_NEWPID},	     {"user", CLONE_NEWUSER}, {"uts", CLONE_NEWUTS}, {"time", CLONE_NEWTIME},
};

static uint64_t value_all_namespaces(void)
{
	uint64_t all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(value_namespaces); i++)
		all |= value_namespaces[i].flag;
	return all;
}

static int value_read_namespace(const char *name, uint64_t *flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_namespaces); i++)
		if (strcmp(value_namespaces[i].name, name) == 0) {
			*flags |= value_namespaces[i].flag;
			return 0;
		}
	return -EINVAL;
}

/* RestrictNamespaces=: "yes" leaves none, "no" all, a list those named, a list with "~" the others. */
int value_parse_namespace_flags(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t *allowed = field, flags = 0;
	bool invert = line->value[0] == '~', yes;
	const char *cursor = line->value + invert;
	int r;

	if (value_read_bool(line->value, &yes) == 0) {
		*allowed = yes ? 0 : SPEC_UNSET;
		return 0;
	}
	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (value_read_namespace(word, &flags) < 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is no namespace", word);
	}
	if (*allowed == SPEC_UNSET)
		*allowed = invert ? value_all_namespaces() & ~flags : flags;
	else
		*allowed = invert ? *allowed & ~flags : *allowed | flags;
	return 0;
}

char *value_print_namespace_flags(const struct directive *directive _unused_, const void *field)
{
	uint64_t allowed = *(const uint64_t *)field;
	struct text_buffer buffer = {};

	if (allowed == SPEC_UNSET)
		return strdup("no");
	if (allowed == 0)
		return strdup("yes");
	for (size_t i = 0; i < ARRAY_SIZE(value_namespaces); i++)
		if (allowed & value_namespaces[i].flag)
			text_buffer_append(&buffer, "%s%s", buffer.length ? " " : "",
					   value_namespaces[i].name);
	return text_buffer_finish(&buffer);
}
