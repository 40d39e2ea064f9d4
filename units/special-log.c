/* The settings of a unit's log: Syslog*=, Log*=, and what Quadlet calls LogDriver= and LogOpt=. */
#include <ctype.h>
#include <regex.h>
#include <string.h>
#include <syslog.h>

#include "units/special.h"
#include "units/word.h"

enum {
	SPECIAL_LOG_IDENTIFIER_MAX = 64,
	SPECIAL_LOG_FIELDS_MAX = 64,
	SPECIAL_LOG_PATTERN_MAX = 4096,
};

/* --- names of syslog(3) -------------------------------------------------------------------------------- */

static const char *const special_log_levels[] = {"emerg",   "alert",  "crit", "err",
						 "warning", "notice", "info", "debug"};
static const char *const special_log_facilities[] = {
	"kern",	  "user",   "mail",	"daemon", "auth",   "syslog", "lpr",	"news",
	"uucp",	  "cron",   "authpriv", "ftp",	  "12",	    "13",     "14",	"15",
	"local0", "local1", "local2",	"local3", "local4", "local5", "local6", "local7",
};

/* A name of NAMES, or its number. */
static int special_log_find(const struct directive_line *line, const char *const *names, size_t n, int *ret,
			    struct failure *failure)
{
	uint64_t number;

	for (size_t i = 0; i < n; i++)
		if (strcmp(line->value, names[i]) == 0) {
			*ret = (int)i;
			return 0;
		}
	if (value_read_number(line->value, n - 1, &number) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is not known to syslog(3)", line->value);
	*ret = (int)number;
	return 0;
}

int special_parse_syslog_level(const struct directive_line *line, void *field, struct failure *failure)
{
	if (!*line->value) {
		*(int *)field = LOG_INFO;
		return 0;
	}
	return special_log_find(line, special_log_levels, ARRAY_SIZE(special_log_levels), field, failure);
}

char *special_print_syslog_level(const void *field)
{
	return strdup(special_log_levels[*(const int *)field & LOG_PRIMASK]);
}

int special_parse_syslog_facility(const struct directive_line *line, void *field, struct failure *failure)
{
	if (!*line->value) {
		*(int *)field = LOG_FAC(LOG_DAEMON);
		return 0;
	}
	return special_log_find(line, special_log_facilities, ARRAY_SIZE(special_log_facilities), field,
				failure);
}

char *special_print_syslog_facility(const void *field)
{
	return strdup(
		special_log_facilities[(size_t) * (const int *)field % ARRAY_SIZE(special_log_facilities)]);
}

int special_parse_log_level_max(const struct directive_line *line, void *field, struct failure *failure)
{
	if (!*line->value) {
		*(int *)field = -1;
		return 0;
	}
	return special_log_find(line, special_log_levels, ARRAY_SIZE(special_log_levels), field, failure);
}

char *special_print_log_level_max(const void *field)
{
	int level = *(const int *)field;

	return strdup(level < 0 ? "" : special_log_levels[level & LOG_PRIMASK]);
}

/* --- SyslogIdentifier= --------------------------------------------------------------------------------- */

/* It stands in front of each line, in the file too: a blank would end it there. */
int special_parse_syslog_identifier(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *text = NULL;
	int r = value_expand(line, line->value, &text, failure);

	if (r < 0)
		return r;
	if (strlen(text) > SPECIAL_LOG_IDENTIFIER_MAX)
		return failure_set(failure, -EINVAL, NULL, "longer than %d bytes",
				   SPECIAL_LOG_IDENTIFIER_MAX);
	for (const char *c = text; *c; c++)
		if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c))
			return failure_set(failure, -EINVAL, NULL, "'%s' has white space in it", text);
	return text_set(field, *text ? text : NULL);
}

char *special_print_syslog_identifier(const void *field)
{
	const char *text = *(char *const *)field;

	return strdup(text ? text : "");
}

/* --- LogExtraFields= ----------------------------------------------------------------------------------- */

/* systemd.exec(5): the name in capitals, digits and '_', and neither of the latter first. */
static bool special_log_field_valid(const char *text)
{
	size_t length = strcspn(text, "=");

	if (length == 0 || length > 64 || text[length] != '=' || !(*text >= 'A' && *text <= 'Z'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!(text[i] >= 'A' && text[i] <= 'Z') && !(text[i] >= '0' && text[i] <= '9') &&
		    text[i] != '_')
			return false;
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return true;
}

int special_parse_log_fields(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	char ***list = field, *word = NULL;
	int r;

	if (!*line->value) {
		text_list_free(*list);
		*list = NULL;
		return 0;
	}
	while ((r = value_next_word(line, &cursor, &word, failure)) > 0) {
		_cleanup_free_ char *owned = word;

		if (!special_log_field_valid(owned))
			return failure_set(failure, -EINVAL, NULL, "'%s' is no field: FIELD=VALUE", owned);
		if (text_list_length(*list) == SPECIAL_LOG_FIELDS_MAX)
			return failure_set(failure, -EINVAL, NULL, "more than %d fields",
					   SPECIAL_LOG_FIELDS_MAX);
		r = text_list_take(list, TAKE(owned));
		if (r < 0)
			return r;
	}
	return r;
}

char *special_print_log_fields(const void *field)
{
	return text_list_join(*(char ***)(uintptr_t)field, " ");
}

/* --- LogFilterPatterns= -------------------------------------------------------------------------------- */

int special_parse_log_patterns(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *pattern = line->value + (*line->value == '~');
	char ***list = field;
	regex_t regex;
	int error;

	if (!*line->value) {
		text_list_free(*list);
		*list = NULL;
		return 0;
	}
	if (strlen(pattern) > SPECIAL_LOG_PATTERN_MAX)
		return failure_set(failure, -EINVAL, NULL, "longer than %d bytes", SPECIAL_LOG_PATTERN_MAX);
	error = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (error) {
		char text[128];

		regerror(error, &regex, text, sizeof text);
		return failure_set(failure, error == REG_ESPACE ? -ENOMEM : -EINVAL, NULL, "'%s': %s",
				   pattern, text);
	}
	regfree(&regex);
	if (text_list_length(*list) == SPECIAL_LOG_FIELDS_MAX)
		return failure_set(failure, -EINVAL, NULL, "more than %d patterns", SPECIAL_LOG_FIELDS_MAX);
	return text_list_append(list, line->value);
}

char *special_print_log_patterns(const void *field)
{
	return text_list_join(*(char ***)(uintptr_t)field, " ");
}

/* --- [Container] LogDriver=, LogOpt= ------------------------------------------------------------------- */

static const char *const special_log_drivers[UNIT_LOG_DRIVER_MAX_] = {
	[UNIT_LOG_JOURNALD] = "journald",
	[UNIT_LOG_FILE] = "k8s-file",
	[UNIT_LOG_NONE] = "none",
	[UNIT_LOG_PASSTHROUGH] = "passthrough",
};

int special_parse_log_driver(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *name = strcmp(line->value, "json-file") == 0 ? "k8s-file"
			   : *line->value			 ? line->value
								 : "journald";

	for (int i = 0; i < UNIT_LOG_DRIVER_MAX_; i++)
		if (strcmp(name, special_log_drivers[i]) == 0) {
			*(enum unit_log_driver *)field = (enum unit_log_driver)i;
			return 0;
		}
	return failure_set(failure, -EINVAL, NULL,
			   "'%s' is none of: journald, k8s-file, json-file, none, passthrough", line->value);
}

char *special_print_log_driver(const void *field)
{
	return strdup(special_log_drivers[*(const enum unit_log_driver *)field]);
}

/* "path=/var/log/x", "max-size=10mb", "tag=web"; the units of podman-run(1): b, k, kb, m, mb, g, gb. */
static int special_log_size(const char *text, uint64_t *ret)
{
	char number[32];
	size_t length = strlen(text);

	if (length >= sizeof number)
		return -EINVAL;
	strcpy(number, text);
	if (length > 1 && (number[length - 1] == 'b' || number[length - 1] == 'B'))
		number[--length] = '\0';
	if (length > 0)
		number[length - 1] = (char)toupper((unsigned char)number[length - 1]);
	return value_read_size(number, 1024, ret);
}

int special_parse_log_option(const struct directive_line *line, void *field, struct failure *failure)
{
	struct unit_log *log = field;
	_cleanup_free_ char *text = NULL;
	uint64_t size;
	int r;

	if (!*line->value)
		return 0;
	r = value_expand(line, line->value, &text, failure);
	if (r < 0)
		return r;
	if (text_starts_with(text, "path=")) {
		r = value_clean_path(text + strlen("path="), failure);
		return r < 0 ? r : text_set(&log->path, text + strlen("path="));
	}
	if (text_starts_with(text, "tag=")) {
		struct directive_line tag = *line;

		tag.value = text + strlen("tag=");
		tag.specifiers = NULL;
		return special_parse_syslog_identifier(&tag, &log->identifier, failure);
	}
	if (!text_starts_with(text, "max-size="))
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is none of: path=PATH, max-size=SIZE, tag=NAME", text);
	if (special_log_size(text + strlen("max-size="), &size) < 0 || size < UNIT_LOG_SIZE_MIN)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no size of at least %d bytes",
				   text + strlen("max-size="), UNIT_LOG_SIZE_MIN);
	log->max_size = size;
	return 0;
}

char *special_print_log_option(const void *field)
{
	const struct unit_log *log = field;
	struct text_buffer buffer = {};

	if (log->path)
		text_buffer_append(&buffer, "path=%s", log->path);
	if (log->max_size)
		text_buffer_append(&buffer, "%smax-size=%llu", log->path ? " " : "",
				   (unsigned long long)log->max_size);
	return text_buffer_finish(&buffer);
}
