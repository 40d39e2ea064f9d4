/* Prints the table of directives: as docs/directives.md, with --list as "Section.Name" lines, with --refused
 * only those that are refused, with --dictionary as a fuzzer's dictionary. */
#include <stdio.h>
#include <string.h>

#include "units/directive.h"

static const struct {
	const char *name, *title;
} sections[] = {
	{"Unit", "Any unit: what it is and what it depends on"},
	{"Install", "Any unit: what `svcctl enable` does"},
	{"Service", "Services: what runs, how it ends, how it is isolated, what it may use"},
	{"Container", "Services in a root of their own: Quadlet's names"},
};

static const char *const kind_texts[VALUE_KIND_MAX_] = {
	[VALUE_TEXT] = "text",
	[VALUE_BOOL] = "yes/no",
	[VALUE_INT] = "number",
	[VALUE_UNSIGNED] = "number",
	[VALUE_USEC] = "time span",
	[VALUE_SIZE] = "size",
	[VALUE_LIMIT_SIZE] = "size, %, infinity",
	[VALUE_LIMIT_COUNT] = "number, infinity",
	[VALUE_WEIGHT] = "1…10000",
	[VALUE_CPU_QUOTA] = "%",
	[VALUE_PATH] = "path",
	[VALUE_PATH_LIST] = "paths",
	[VALUE_TEXT_LIST] = "words",
	[VALUE_UNIT_LIST] = "units",
	[VALUE_ENVIRONMENT] = "NAME=VALUE …",
	[VALUE_ENVIRONMENT_FILES] = "path",
	[VALUE_MODE] = "octal mode",
	[VALUE_SIGNAL] = "signal",
	[VALUE_EXIT_STATUS_SET] = "statuses, signals",
	[VALUE_COMMANDS] = "command line",
	[VALUE_CAPABILITIES] = "capabilities",
	[VALUE_SYSTEM_CALLS] = "system calls",
	[VALUE_ERRNO] = "error name",
	[VALUE_NAMESPACE_FLAGS] = "namespaces",
	[VALUE_RLIMIT] = "limit",
	[VALUE_STREAM] = "stream",
	[VALUE_MOUNTS] = "mounts",
	[VALUE_IO_LIMITS] = "device, number",
	[VALUE_ID_MAP] = "id ranges",
	[VALUE_USER_NAME] = "name or id",
	[VALUE_CONDITION] = "path",
	[VALUE_DIRECTORIES] = "relative paths",
	[VALUE_CREDENTIALS] = "NAME:SOURCE",
	[VALUE_TIME_OFFSET] = "time span, signed",
	[VALUE_REFUSED] = "none",
	[VALUE_RULES] = "rules",
	[VALUE_SPECIAL] = "see there",
};

static void print_kind(const struct directive *directive)
{
	const char *separator = "";

	if (directive->kind != VALUE_ENUM) {
		printf("%s", kind_texts[directive->kind]);
		return;
	}
	for (const char *const *name = directive->names; *name; name++)
		if (**name != '-') {
			printf("%s%s", separator, *name);
			separator = ", ";
		}
}

/* A '|' would end the table's cell. */
static void print_cell(const char *text)
{
	for (; *text; text++)
		printf("%s%c", *text == '|' ? "\\" : "", *text);
}

static void print_section(const char *name, const char *title)
{
	printf("\n## [%s]\n\n%s.\n\n| directive | value | default | | meaning |\n|---|---|---|---|---|\n",
	       name, title);
	for (size_t i = 0; i < directive_count; i++) {
		const struct directive *directive = &directive_table[i];

		if (strcmp(directive->section, name) != 0)
			continue;
		printf("| `%s=` | ", directive->name);
		print_kind(directive);
		printf(" | %s | %s | ", directive->default_text ? directive->default_text : "",
		       directive->kind == VALUE_REFUSED ? "**refused**" : "works");
		print_cell(directive->summary);
		printf(" |\n");
	}
}

/* [Slice] has no rows of its own. */
static void print_slice(void)
{
	const char *separator = "";

	printf("\n## [Slice]\n\nWhat the units in a slice may use together. The names, values and meanings are those of [Service]:\n");
	for (size_t i = 0; i < directive_count; i++) {
		if (!directive_in_slice(&directive_table[i]) || directive_table[i].kind == VALUE_REFUSED)
			continue;
		printf("%s`%s=`", separator, directive_table[i].name);
		separator = ", ";
	}
	printf(".\n");
}

static void print_document(void)
{
	printf("# Directives\n\n"
	       "<!-- Made from the table in units/directives.c by units/directives-doc; a test compares. -->\n\n"
	       "Every setting that a unit file may have. Names and meanings are systemd's and Quadlet's where they have them. A name that is not\n"
	       "here is an error (unless it begins with `X-`); so is a value that cannot be read. An empty value brings the default back; lists\n"
	       "grow with each line. Time spans are written `90`, `5min 20s`, `infinity`; sizes `64M` (powers of 1024).\n"
	       "\"Works\" means that a test shows the effect from inside, or for the few that need what no kernel of the tests has (SELinux, Smack, RDMA, zswap, …) that they are refused in words where it is absent; \"refused\" that the setting stops the unit, for the reason given there.\n"
	       "A container has stricter defaults: own mount, PID, IPC, UTS, network and cgroup namespaces, few capabilities, a system call filter.\n");
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		print_section(sections[i].name, sections[i].title);
	print_slice();
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		print_document();
		return 0;
	}
	for (size_t i = 0; i < directive_count; i++) {
		if (strcmp(argv[1], "--list") == 0)
			printf("%s.%s\n", directive_table[i].section, directive_table[i].name);
		else if (strcmp(argv[1], "--refused") == 0) {
			if (directive_table[i].kind == VALUE_REFUSED)
				printf("%s.%s\n", directive_table[i].section, directive_table[i].name);
		} else if (strcmp(argv[1], "--dictionary") == 0)
			printf("\"[%s]\\x0a%s=\"\n", directive_table[i].section, directive_table[i].name);
		else
			return 2;
	}
	return 0;
}
