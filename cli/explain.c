/* svcctl explain: the launch program of a unit, step by step, with the line that asked for each step, and what it adds up
 * to. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char *explain_text(struct json_object *step, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(step, i));
}

static void explain_add_step(struct print_table *table, struct json_object *step, size_t number)
{
	const char *where = explain_text(step, 2), *directive = explain_text(step, 3);
	_cleanup_free_ char *origin = NULL;
	char text[16];

	snprintf(text, sizeof text, "%4zu", number);
	if (where[0])
		origin = text_format("← %s%s%s%s", where, directive[0] ? " " : "", directive,
				     directive[0] ? "=" : "");
	print_table_add(table, text);
	print_table_add(table, explain_text(step, 1));
	print_table_add(table, origin ? origin : "");
}

/* One numbered list per command line of the unit. */
static int explain_print(const struct cli *cli, struct json_object *steps)
{
	size_t n = json_object_array_length(steps), number = 0;
	int status = CLI_OK;

	for (size_t i = 0; i < n && status == CLI_OK;) {
		struct print_table table = {.n_columns = 3, .widest = 60};
		const char *command = explain_text(json_object_array_get_idx(steps, i), 0);

		printf("%s%s%s%s\n", i ? "\n" : "", print_colour(cli, PRINT_BOLD), command,
		       print_colour(cli, PRINT_PLAIN));
		for (number = 0;
		     i < n && strcmp(explain_text(json_object_array_get_idx(steps, i), 0), command) == 0; i++)
			explain_add_step(&table, json_object_array_get_idx(steps, i), ++number);
		status = print_table_end(&table);
	}
	return status;
}

static struct json_object *explain_name_members(struct json_object *steps)
{
	static const char *const names[] = {"command", "operation", "where", "directive"};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *entry = json_object_new_object();

		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			json_object_object_add(entry, names[j],
					       json_object_get(json_object_array_get_idx(
						       json_object_array_get_idx(steps, i), j)));
		json_object_array_add(list, entry);
	}
	return list;
}

/* Steps, then by room what they add up to. */
static int explain_show(struct cli *cli, const char *unit, struct json_object *steps,
			struct json_object *answers)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r, status = CLI_OK;
	struct json_object *security = security_read(cli, unit, &error, &r), *entry;

	if (cli->json) {
		entry = json_object_new_object();
		json_object_object_add(entry, "steps", explain_name_members(steps));
		if (security)
			json_object_object_add(entry, "security", json_object_get(security_rooms(security)));
		json_object_object_add(answers, unit, entry);
	} else {
		status = explain_print(cli, steps);
		if (security)
			security_print_rooms(cli, security);
	}
	json_object_put(security);
	return status;
}

/* With --json into ANSWERS. */
static int explain_unit(struct cli *cli, const char *unit, struct json_object *answers)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct json_object *steps;
	int status, r = call_manager(cli, "ExplainUnit", &error, &reply, "s", unit);

	if (r < 0)
		return call_report(cli, r, &error, "explain %s", unit);
	steps = value_read(reply);
	if (!steps)
		return CLI_FAILED;
	status = explain_show(cli, unit, steps, answers);
	json_object_put(steps);
	return status;
}

int explain_verb(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *answers;
	int status = call_expand(cli, arguments, &units) < 0 ? CLI_FAILED : CLI_OK;

	answers = json_object_new_object();
	TEXT_LIST_FOREACH (unit, units)
		status = cli_worse(status, explain_unit(cli, *unit, answers));
	if (cli->json)
		print_json_units(arguments, answers);
	json_object_put(answers);
	return status;
}
