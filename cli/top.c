/* svcctl top: what each unit uses right now, from the differences of two answers to ListUsage(). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

enum { TOP_N = 9 };
enum top_figure { /* the order of the answer */
		  TOP_CPU,
		  TOP_MEMORY,
		  TOP_SWAP,
		  TOP_TASKS,
		  TOP_READ,
		  TOP_WRITTEN,
		  TOP_WAIT_CPU,
		  TOP_WAIT_MEMORY,
		  TOP_WAIT_IO,
};

struct top_unit {
	char *name;
	uint64_t now[TOP_N];
	double rate[TOP_N]; /* per second; below 0: not known yet */
};

struct top {
	struct top_unit *units;
	size_t n;
	usec_t at;
};

static void top_clear(struct top *top)
{
	for (size_t i = 0; i < top->n; i++)
		free(top->units[i].name);
	free(top->units);
	*top = (struct top){};
}

static const struct top_unit *top_find(const struct top *top, const char *name)
{
	for (size_t i = 0; top && i < top->n; i++)
		if (strcmp(top->units[i].name, name) == 0)
			return &top->units[i];
	return NULL;
}

static void top_rate(struct top_unit *unit, const struct top_unit *before, usec_t passed)
{
	for (int i = 0; i < TOP_N; i++) {
		unit->rate[i] = -1;
		if (before && passed > 0 && unit->now[i] != UINT64_MAX && before->now[i] != UINT64_MAX &&
		    unit->now[i] >= before->now[i])
			unit->rate[i] = (double)(unit->now[i] - before->now[i]) * 1e6 / (double)passed;
	}
}

/* By CPU, then memory, then name. */
static int top_compare(const void *a, const void *b)
{
	const struct top_unit *left = a, *right = b;
	uint64_t left_memory = left->now[TOP_MEMORY] + 1, right_memory = right->now[TOP_MEMORY] + 1;

	if (left->rate[TOP_CPU] != right->rate[TOP_CPU])
		return left->rate[TOP_CPU] < right->rate[TOP_CPU] ? 1 : -1;
	if (left_memory != right_memory) /* unknown counts as none */
		return left_memory < right_memory ? 1 : -1;
	return strcmp(left->name, right->name);
}

static int top_read_unit(sd_bus_message *reply, struct top_unit *unit)
{
	const char *name;
	int r = sd_bus_message_read(reply, "(sttttttttt)", &name, &unit->now[TOP_CPU], &unit->now[TOP_MEMORY],
				    &unit->now[TOP_SWAP], &unit->now[TOP_TASKS], &unit->now[TOP_READ],
				    &unit->now[TOP_WRITTEN], &unit->now[TOP_WAIT_CPU],
				    &unit->now[TOP_WAIT_MEMORY], &unit->now[TOP_WAIT_IO]);

	if (r <= 0)
		return r;
	unit->name = strdup(name);
	return unit->name ? 1 : -ENOMEM;
}

/* One more look. BEFORE may be NULL. Returns 0 or an exit status. */
static int top_read(struct cli *cli, const struct top *before, struct top *ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	struct top top = {.at = time_now(CLOCK_MONOTONIC)};
	int r = call_manager(cli, "ListUsage", &error, &reply, NULL);

	if (r < 0)
		return call_report(cli, r, &error, "read what units use");
	r = sd_bus_message_enter_container(reply, 'a', "(sttttttttt)");
	while (r >= 0) {
		struct top_unit unit = {}, *larger;

		r = top_read_unit(reply, &unit);
		if (r <= 0)
			break;
		larger = realloc(top.units, (top.n + 1) * sizeof *larger);
		if (!larger) {
			free(unit.name);
			r = -ENOMEM;
			break;
		}
		top.units = larger;
		top_rate(&unit, top_find(before, unit.name), before ? top.at - before->at : 0);
		top.units[top.n++] = unit;
	}
	if (r < 0) {
		top_clear(&top);
		return call_report(cli, r, &error, "read what units use");
	}
	if (top.n > 0)
		qsort(top.units, top.n, sizeof *top.units, top_compare);
	*ret = top;
	return CLI_OK;
}

/* --- showing ----------------------------------------------------------------------------------------- */

static const char *top_print_bytes(double bytes, char text[32])
{
	if (bytes < 0)
		return "-";
	return print_bytes((uint64_t)bytes, text, 32);
}

static const char *top_print_share(double per_second, double whole, char text[32])
{
	if (per_second < 0)
		return "-";
	snprintf(text, 32, "%.1f", per_second * 100 / whole);
	return text;
}

static void top_print_unit(const struct top_unit *unit, int width)
{
	char tasks[32] = "-", cpu[32], memory[32], read[32], written[32], waits[3][32];

	if (unit->now[TOP_TASKS] != UINT64_MAX)
		snprintf(tasks, sizeof tasks, "%" PRIu64, unit->now[TOP_TASKS]);
	printf("%-*s %6s %6s %8s %8s %8s %6s %6s %6s\n", width, unit->name, tasks,
	       top_print_share(unit->rate[TOP_CPU], 1e9, cpu),
	       top_print_bytes(unit->now[TOP_MEMORY] == UINT64_MAX ? -1 : (double)unit->now[TOP_MEMORY],
			       memory),
	       top_print_bytes(unit->rate[TOP_READ], read), top_print_bytes(unit->rate[TOP_WRITTEN], written),
	       top_print_share(unit->rate[TOP_WAIT_CPU], 1e6, waits[0]),
	       top_print_share(unit->rate[TOP_WAIT_MEMORY], 1e6, waits[1]),
	       top_print_share(unit->rate[TOP_WAIT_IO], 1e6, waits[2]));
}

static void top_print(const struct cli *cli, const struct top *top, bool screen)
{
	int width = 20;

	for (size_t i = 0; i < top->n; i++)
		width = MAX_OF(width, MIN_OF((int)strlen(top->units[i].name), 48));
	if (screen)
		printf("\033[H\033[J");
	if (!cli->no_legend)
		printf("%s%-*s %6s %6s %8s %8s %8s %6s %6s %6s%s\n", print_colour(cli, PRINT_BOLD), width,
		       "UNIT", "TASKS", "%CPU", "MEMORY", "READ/s", "WRITE/s", "WAIT:C", "MEM", "IO%",
		       print_colour(cli, PRINT_PLAIN));
	for (size_t i = 0; i < top->n; i++)
		top_print_unit(&top->units[i], width);
	fflush(stdout);
}

static void top_add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, value == UINT64_MAX ? NULL : json_object_new_uint64(value));
}

static void top_add_rate(struct json_object *object, const char *name, double value, double whole)
{
	json_object_object_add(object, name, value < 0 ? NULL : json_object_new_double(value * 100 / whole));
}

static void top_print_json(const struct top *top)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < top->n; i++) {
		const struct top_unit *unit = &top->units[i];
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "unit", value_text(unit->name));
		top_add_number(object, "tasks", unit->now[TOP_TASKS]);
		top_add_rate(object, "cpu_percent", unit->rate[TOP_CPU], 1e9);
		top_add_number(object, "cpu_nsec", unit->now[TOP_CPU]);
		top_add_number(object, "memory_bytes", unit->now[TOP_MEMORY]);
		top_add_number(object, "swap_bytes", unit->now[TOP_SWAP]);
		top_add_rate(object, "read_bytes_per_second", unit->rate[TOP_READ], 100);
		top_add_rate(object, "write_bytes_per_second", unit->rate[TOP_WRITTEN], 100);
		top_add_rate(object, "cpu_wait_percent", unit->rate[TOP_WAIT_CPU], 1e6);
		top_add_rate(object, "memory_wait_percent", unit->rate[TOP_WAIT_MEMORY], 1e6);
		top_add_rate(object, "io_wait_percent", unit->rate[TOP_WAIT_IO], 1e6);
		json_object_array_add(list, object);
	}
	print_json(list);
	json_object_put(list);
}

/* On a terminal for ever, or -n times; elsewhere once, which takes the second that rates need. */
int top_verb(struct cli *cli, char **arguments _unused_)
{
	bool screen = isatty(STDOUT_FILENO) && !cli->once && !cli->json;
	int rounds = cli->once || (!screen && cli->lines < 0) ? 1 : cli->lines, status;
	struct top before = {}, now = {};

	status = top_read(cli, NULL, &before);
	if (status != CLI_OK)
		return status;
	if (screen)
		top_print(cli, &before, true);
	for (int round = 0; rounds < 0 || round < rounds; round++) {
		const struct timespec second = {.tv_sec = 1};

		clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL);
		status = top_read(cli, &before, &now);
		top_clear(&before);
		if (status != CLI_OK)
			return status;
		if (cli->json)
			top_print_json(&now);
		else
			top_print(cli, &now, screen);
		before = now;
	}
	top_clear(&before);
	return CLI_OK;
}
