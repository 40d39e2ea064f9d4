/* See specifier.h. One row per letter; a row's function yields a heap string, or NULL when out of memory, or
 * leaves a reason. Values of the machine are read when they are first needed and not kept: they are cheap,
 * and may change. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/fd.h"
#include "units/specifier.h"

struct specifier_row {
	char letter;
	char *(*value)(const struct specifier_context *context);
};

static char *specifier_until(const char *text, const char *stops)
{
	return strndup(text, strcspn(text, stops));
}

static const char *specifier_suffix(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : name + strlen(name);
}

/* Frees TEXT, which may be NULL. */
static char *specifier_unescape_owned(char *text)
{
	char *plain = text ? specifier_unescape(text) : NULL;

	free(text);
	return plain;
}

static int specifier_hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

char *specifier_unescape(const char *text)
{
	struct text_buffer buffer = {};

	for (; *text; text++) {
		char byte = *text == '-' ? '/' : *text;

		if (text[0] == '\\' && text[1] == 'x' && specifier_hex(text[2]) >= 0 &&
		    specifier_hex(text[3]) >= 0 && (text[2] != '0' || text[3] != '0')) {
			byte = (char)(specifier_hex(text[2]) << 4 | specifier_hex(text[3]));
			text += 3;
		}
		text_buffer_append_bytes(&buffer, &byte, 1);
	}
	return text_buffer_finish(&buffer);
}

static char *specifier_name(const struct specifier_context *context)
{
	return strdup(context->name);
}

static char *specifier_name_stem(const struct specifier_context *context)
{
	return strndup(context->name, (size_t)(specifier_suffix(context->name) - context->name));
}

static char *specifier_prefix(const struct specifier_context *context)
{
	const char *at = strchr(context->name, '@');

	return at ? strndup(context->name, (size_t)(at - context->name)) : specifier_name_stem(context);
}

static char *specifier_prefix_plain(const struct specifier_context *context)
{
	return specifier_unescape_owned(specifier_prefix(context));
}

static char *specifier_instance(const struct specifier_context *context)
{
	const char *at = strchr(context->name, '@');

	return at ? strndup(at + 1, (size_t)(specifier_suffix(context->name) - at - 1)) : strdup("");
}

static char *specifier_instance_plain(const struct specifier_context *context)
{
	return specifier_unescape_owned(specifier_instance(context));
}

static char *specifier_last(const struct specifier_context *context)
{
	_cleanup_free_ char *prefix = specifier_prefix(context);
	const char *dash = prefix ? strrchr(prefix, '-') : NULL;

	return !prefix ? NULL : strdup(dash ? dash + 1 : prefix);
}

static char *specifier_last_plain(const struct specifier_context *context)
{
	return specifier_unescape_owned(specifier_last(context));
}

static char *specifier_file(const struct specifier_context *context)
{
	_cleanup_free_ char *plain = NULL;

	plain = strchr(context->name, '@') ? specifier_instance_plain(context)
					   : specifier_prefix_plain(context);
	if (!plain)
		return NULL;
	return plain[0] == '/' ? strdup(plain) : text_format("/%s", plain);
}

/* The first line of a small file; "" when it cannot be read. */
static char *specifier_read_line(const char *path)
{
	_cleanup_free_ char *text = NULL;

	if (fd_read_file_at(AT_FDCWD, path, 4096, &text) < 0)
		return strdup("");
	return specifier_until(text, "\n");
}

static char *specifier_hostname(const struct specifier_context *context)
{
	struct utsname system;

	if (context->outside->hostname)
		return strdup(context->outside->hostname);
	return uname(&system) < 0 ? strdup("") : strdup(system.nodename);
}

static char *specifier_machine_id(const struct specifier_context *context)
{
	if (context->outside->machine_id)
		return strdup(context->outside->machine_id);
	return specifier_read_line("/etc/machine-id");
}

static char *specifier_boot_id(const struct specifier_context *context)
{
	_cleanup_free_ char *text = NULL;
	char *to;

	if (context->outside->boot_id)
		return strdup(context->outside->boot_id);
	text = specifier_read_line("/proc/sys/kernel/random/boot_id");
	to = text;
	/* The kernel writes it with dashes, every user of %b expects it without. */
	for (char *from = text; from && *from; from++)
		if (*from != '-')
			*to++ = *from;
	if (to)
		*to = '\0';
	return TAKE(text);
}

static char *specifier_kernel(const struct specifier_context *context)
{
	struct utsname system;

	if (context->outside->kernel_release)
		return strdup(context->outside->kernel_release);
	return uname(&system) < 0 ? strdup("") : strdup(system.release);
}

static char *specifier_runtime(const struct specifier_context *context)
{
	return strdup(context->outside->runtime_directory ? context->outside->runtime_directory : "/run");
}

static char *specifier_state(const struct specifier_context *context)
{
	return strdup(context->outside->state_directory ? context->outside->state_directory : "/var/lib");
}

static char *specifier_cache(const struct specifier_context *context)
{
	return strdup(context->outside->cache_directory ? context->outside->cache_directory : "/var/cache");
}

static char *specifier_log(const struct specifier_context *context)
{
	return strdup(context->outside->logs_directory ? context->outside->logs_directory : "/var/log");
}

static char *specifier_configuration(const struct specifier_context *context)
{
	const char *directory = context->outside->configuration_directory;

	return strdup(directory ? directory : "/etc");
}

static char *specifier_credentials(const struct specifier_context *context)
{
	const char *directory = context->outside->credentials_directory;

	return text_format("%s/%s", directory ? directory : "/run/credentials", context->name);
}

static char *specifier_tmp(const struct specifier_context *context _unused_)
{
	return strdup("/tmp");
}

static char *specifier_var_tmp(const struct specifier_context *context _unused_)
{
	return strdup("/var/tmp");
}

/* The manager's own user, from the passwd file alone: no name service may be asked while a manager runs. */
static char *specifier_passwd(char field)
{
	uid_t uid = getuid();
	const struct passwd *entry = NULL;
	char *value = NULL;
	FILE *file;

	if (uid == 0)
		return strdup(field == 'u' ? "root" : field == 'h' ? "/root" : "/bin/sh");
	file = fopen("/etc/passwd", "re");
	if (!file)
		return strdup("");
	do
		entry = fgetpwent(file);
	while (entry && entry->pw_uid != uid);
	if (entry)
		value = strdup(field == 'u'   ? entry->pw_name
			       : field == 'h' ? entry->pw_dir
					      : entry->pw_shell);
	fclose(file);
	return entry ? value : strdup("");
}

static char *specifier_user(const struct specifier_context *context _unused_)
{
	return specifier_passwd('u');
}

static char *specifier_uid(const struct specifier_context *context _unused_)
{
	return text_format("%u", (unsigned)getuid());
}

static char *specifier_home(const struct specifier_context *context _unused_)
{
	return specifier_passwd('h');
}

static char *specifier_shell(const struct specifier_context *context _unused_)
{
	return specifier_passwd('s');
}

static char *specifier_fragment(const struct specifier_context *context)
{
	return strdup(context->fragment ? context->fragment : "");
}

static char *specifier_fragment_directory(const struct specifier_context *context)
{
	const char *slash = context->fragment ? strrchr(context->fragment, '/') : NULL;

	if (!slash)
		return strdup("");
	return slash == context->fragment ? strdup("/")
					  : strndup(context->fragment, (size_t)(slash - context->fragment));
}

static char *specifier_percent(const struct specifier_context *context _unused_)
{
	return strdup("%");
}

static const struct specifier_row specifier_rows[] = {
	{'n', specifier_name},	       {'N', specifier_name_stem},  {'p', specifier_prefix},
	{'P', specifier_prefix_plain}, {'i', specifier_instance},   {'I', specifier_instance_plain},
	{'j', specifier_last},	       {'J', specifier_last_plain}, {'f', specifier_file},
	{'H', specifier_hostname},     {'m', specifier_machine_id}, {'b', specifier_boot_id},
	{'v', specifier_kernel},       {'t', specifier_runtime},    {'S', specifier_state},
	{'C', specifier_cache},	       {'L', specifier_log},	    {'E', specifier_configuration},
	{'d', specifier_credentials},  {'T', specifier_tmp},	    {'V', specifier_var_tmp},
	{'u', specifier_user},	       {'U', specifier_uid},	    {'h', specifier_home},
	{'s', specifier_shell},	       {'y', specifier_fragment},   {'Y', specifier_fragment_directory},
	{'%', specifier_percent},
};

static const struct specifier_row *specifier_find(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(specifier_rows); i++)
		if (specifier_rows[i].letter == letter)
			return &specifier_rows[i];
	return NULL;
}

/* Appends what %LETTER stands for. */
static int specifier_append(const struct specifier_context *context, const char *letter,
			    struct text_buffer *buffer, struct failure *failure)
{
	const struct specifier_row *row = *letter ? specifier_find(*letter) : NULL;
	_cleanup_free_ char *value = NULL;

	if (!row)
		return failure_set(failure, -EINVAL, NULL,
				   "'%%%.1s' is no specifier (write '%%%%' for a percent sign)", letter);
	value = row->value(context);
	if (!value)
		return -ENOMEM;
	if (!*value && strchr("HmbvuhsyY", *letter))
		return failure_set(failure, -EINVAL, NULL,
				   "the value of the specifier '%%%c' is not known here", *letter);
	text_buffer_append(buffer, "%s", value);
	return 0;
}

int specifier_expand(const struct specifier_context *context, const char *text, char **ret,
		     struct failure *failure)
{
	struct text_buffer buffer = {};
	char *expanded;

	while (*text) {
		size_t plain = strcspn(text, "%");
		int r;

		text_buffer_append_bytes(&buffer, text, plain);
		text += plain;
		if (!*text)
			break;
		r = specifier_append(context, text + 1, &buffer, failure);
		if (r < 0) {
			text_buffer_free(&buffer);
			return r;
		}
		text += 2;
	}
	expanded = text_buffer_finish(&buffer);
	if (!expanded)
		return -ENOMEM;
	*ret = expanded;
	return 0;
}
