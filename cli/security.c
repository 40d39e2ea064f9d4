/* svcctl security: how much of the machine a service could reach, as systemd-analyze security shows it; and the same
 * by room, for svcctl explain. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* A row of GetUnitSecurity. */
enum { SECURITY_ROOM, SECURITY_NAME, SECURITY_TEXT, SECURITY_BADNESS, SECURITY_RANGE, SECURITY_WEIGHT };

struct json_object *security_read(struct cli *cli, const char *unit, sd_bus_error *error, int *ret_error)
{
	static const char *const names[] = {"score", "predicate", "rows", "unenforceable"};
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	struct json_object *answer;

	*ret_error = call_manager(cli, "GetUnitSecurity", error, &reply, "s", unit);
	if (*ret_error < 0)
		return NULL;
	answer = json_object_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_object_add(answer, names[i], value_read(reply));
	return answer;
}

static struct json_object *security_rows(struct json_object *answer)
{
	return json_object_object_get(answer, "rows");
}

static const char *security_text(struct json_object *row, size_t column)
{
	return json_object_get_string(json_object_array_get_idx(row, column));
}

static uint64_t security_number(struct json_object *row, size_t column)
{
	return (uint64_t)json_object_get_int64(json_object_array_get_idx(row, column));
}

static uint64_t security_weighs(struct json_object *row)
{
	return security_number(row, SECURITY_WEIGHT) * security_number(row, SECURITY_BADNESS) * 1000 /
	       security_number(row, SECURITY_RANGE);
}

static uint64_t security_total(struct json_object *rows)
{
	uint64_t total = 0;

	for (size_t i = 0; i < json_object_array_length(rows); i++)
		total += security_number(json_object_array_get_idx(rows, i), SECURITY_WEIGHT);
	return total * 1000;
}

/* "4.2": what the row adds to the score. */
static void security_print_share(uint64_t share, uint64_t total, char text[static 48])
{
	uint64_t tenths = total ? (share * 100 + total / 2) / total : 0;

	if (share == 0)
		text[0] = '\0';
	else
		snprintf(text, 48, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static enum print_colour security_colour(uint64_t score)
{
	return score >= 75 ? PRINT_RED : score >= 50 ? PRINT_YELLOW : PRINT_GREEN;
}

static uint64_t security_score(struct json_object *answer)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(answer, "score"));
}

static const char *security_predicate(struct json_object *answer)
{
	return json_object_get_string(json_object_object_get(answer, "predicate"));
}

static int security_print(const struct cli *cli, const char *unit, struct json_object *answer)
{
	struct print_table table = {.n_columns = 4};
	struct json_object *rows = security_rows(answer);
	uint64_t total = security_total(rows), score = security_score(answer);
	static const char *const header[] = {" ", "NAME", "DESCRIPTION", "EXPOSURE"};
	int status;

	for (size_t i = 0; !cli->no_legend && i < ARRAY_SIZE(header); i++)
		print_table_add(&table, header[i]);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		char share[48];

		security_print_share(security_weighs(row), total, share);
		print_table_add(&table, *share ? "✗" : "✓");
		print_table_add(&table, security_text(row, SECURITY_NAME));
		print_table_add(&table, security_text(row, SECURITY_TEXT));
		print_table_add(&table, share);
	}
	status = print_table_end(&table);
	printf("\n→ Overall exposure level for %s: %s%" PRIu64 ".%" PRIu64 " %s%s\n", unit,
	       print_colour(cli, security_colour(score)), score / 10, score % 10, security_predicate(answer),
	       print_colour(cli, PRINT_PLAIN));
	return status;
}

/* --- all services -------------------------------------------------------------------------------------- */

struct security_unit {
	const char *name;
	struct json_object *answer;
};

static int security_compare(const void *a, const void *b)
{
	const struct security_unit *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int security_print_list(const struct cli *cli, struct json_object *answers)
{
	struct print_table table = {.n_columns = 3};
	size_t n = 0, count = (size_t)json_object_object_length(answers);
	struct security_unit *units = calloc(count + 1, sizeof *units);
	static const char *const header[] = {"UNIT", "EXPOSURE", "PREDICATE"};

	if (!units)
		return CLI_FAILED;
	json_object_object_foreach(answers, name, answer)
	{
		units[n++] = (struct security_unit){name, answer};
	}
	qsort(units, n, sizeof *units, security_compare);
	for (size_t i = 0; !cli->no_legend && i < ARRAY_SIZE(header); i++)
		print_table_add(&table, header[i]);
	for (size_t i = 0; i < n; i++) {
		uint64_t score = security_score(units[i].answer);
		char text[32];

		snprintf(text, sizeof text, "%" PRIu64 ".%" PRIu64, score / 10, score % 10);
		print_table_add(&table, units[i].name);
		print_table_add(&table, text);
		print_table_add(&table, security_predicate(units[i].answer));
	}
	free(units);
	return print_table_end(&table);
}

/* Every service in memory. */
static int security_expand(struct cli *cli, char ***ret)
{
	static char pattern[] = "*.service", *patterns[] = {pattern, NULL};

	return call_expand(cli, patterns, ret);
}

/* Objects instead of rows of columns. */
static void security_name_members(struct json_object *answer)
{
	static const char *const names[] = {"room", "name", "description", "badness", "range", "weight"};
	struct json_object *rows = security_rows(answer), *list = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i),
				   *entry = json_object_new_object();

		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			json_object_object_add(entry, names[j],
					       json_object_get(json_object_array_get_idx(row, j)));
		json_object_array_add(list, entry);
	}
	json_object_object_add(answer, "rows", list);
	json_object_object_add(answer, "exposure",
			       json_object_new_double((double)security_score(answer) / 10));
	json_object_object_del(answer, "score");
}

static int security_read_all(struct cli *cli, char **units, bool named, struct json_object *answers)
{
	int status = CLI_OK;

	TEXT_LIST_FOREACH (unit, units) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		int r;
		struct json_object *answer = security_read(cli, *unit, &error, &r);

		if (answer)
			json_object_object_add(answers, *unit, answer);
		else if (named)
			status = cli_worse(status, call_report(cli, r, &error, "assess %s", *unit));
	}
	return status;
}

int security_verb(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *answers = json_object_new_object();
	bool named = arguments && *arguments;
	int r = named ? call_expand(cli, arguments, &units) : security_expand(cli, &units),
	    status = r < 0 ? CLI_FAILED : security_read_all(cli, units, named, answers);

	json_object_object_foreach(answers, name, answer)
	{
		if (named && cli->threshold >= 0 && security_score(answer) > (uint64_t)cli->threshold)
			status = cli_worse(status, CLI_FAILED);
		if (named && !cli->json && !cli->quiet)
			status = cli_worse(status, security_print(cli, name, answer));
	}
	if (!named && !cli->json)
		status = cli_worse(status, security_print_list(cli, answers));
	if (cli->json) {
		json_object_object_foreach(answers, unit, found)
		{
			(void)unit;
			security_name_members(found);
		}
		if (named)
			print_json_units(arguments, answers);
		else
			print_json(answers);
	}
	json_object_put(answers);
	return status;
}

/* --- by room, for explain ------------------------------------------------------------------------------ */

/* "CapabilityBoundingSet=~CAP_BPF" is said as "~CAP_BPF" behind another of that setting. */
static const char *security_short_name(const char *name, const char *before)
{
	size_t length = strcspn(name, "~");

	return name[length] && strncmp(name, before, length + 1) == 0 ? name + length : name;
}

static void security_print_names(struct json_object *rows, const char *room)
{
	const char *before = "";

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *name = security_text(row, SECURITY_NAME);

		if (strcmp(security_text(row, SECURITY_ROOM), room) != 0 ||
		    security_number(row, SECURITY_BADNESS) > 0)
			continue;
		printf("%s%s", *before ? ", " : "    ✓ ", security_short_name(name, before));
		before = name;
	}
	if (*before)
		putchar('\n');
}

static void security_print_missing(struct json_object *rows, const char *room)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (strcmp(security_text(row, SECURITY_ROOM), room) == 0 &&
		    security_number(row, SECURITY_BADNESS) > 0)
			printf("    ✗ %s (%s)\n", security_text(row, SECURITY_TEXT),
			       security_text(row, SECURITY_NAME));
	}
}

static void security_print_unenforceable(const struct cli *cli, struct json_object *answer)
{
	struct json_object *list = json_object_object_get(answer, "unenforceable");
	size_t n = list ? json_object_array_length(list) : 0;

	if (n > 0)
		printf("\n%sAsked for, and not to be had here%s\n", print_colour(cli, PRINT_BOLD),
		       print_colour(cli, PRINT_PLAIN));
	for (size_t i = 0; i < n; i++)
		printf("    ✗ %s\n", json_object_get_string(json_object_array_get_idx(list, i)));
}

void security_print_rooms(const struct cli *cli, struct json_object *answer)
{
	struct json_object *rows = security_rows(answer);
	uint64_t score = security_score(answer);
	const char *before = "";

	printf("\n%sEnforced%s\n", print_colour(cli, PRINT_BOLD), print_colour(cli, PRINT_PLAIN));
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		const char *room = security_text(json_object_array_get_idx(rows, i), SECURITY_ROOM);

		if (strcmp(room, before) == 0)
			continue;
		before = room;
		printf("  %s\n", room);
		security_print_names(rows, room);
		security_print_missing(rows, room);
	}
	printf("  exposure %s%" PRIu64 ".%" PRIu64 " %s%s\n", print_colour(cli, security_colour(score)),
	       score / 10, score % 10, security_predicate(answer), print_colour(cli, PRINT_PLAIN));
	security_print_unenforceable(cli, answer);
}

struct json_object *security_rooms(struct json_object *answer)
{
	security_name_members(answer);
	return answer;
}
