/* Times, sizes, colours and columns, as systemctl's users know them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const char *print_colour(const struct cli *cli, enum print_colour colour)
{
	static const char *const codes[] = {
		[PRINT_PLAIN] = "\033[0m",	 [PRINT_GREEN] = "\033[0;1;32m", [PRINT_RED] = "\033[0;1;31m",
		[PRINT_YELLOW] = "\033[0;1;33m", [PRINT_GREY] = "\033[0;90m",	 [PRINT_BOLD] = "\033[0;1m",
	};

	return cli->colours ? codes[colour] : "";
}

const char *print_time(usec_t realtime, char *buffer, size_t size)
{
	time_t seconds = (time_t)(realtime / USEC_PER_SEC);
	struct tm tm;

	if (realtime == USEC_INFINITY || !localtime_r(&seconds, &tm) ||
	    strftime(buffer, size, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		snprintf(buffer, size, "n/a");
	return buffer;
}

/* Units of time with their length, longest first. */
static const struct {
	const char *name;
	usec_t length;
} print_units[] = {
	{"d", 86400 * USEC_PER_SEC},
	{"h", 3600 * USEC_PER_SEC},
	{"min", 60 * USEC_PER_SEC},
	{"s", USEC_PER_SEC},
};

/* The two largest units say enough of something that is past. */
const char *print_ago(usec_t ago, char *buffer, size_t size)
{
	size_t used = 0;
	int parts = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(print_units) && parts < 2; i++) {
		usec_t n = ago / print_units[i].length;

		if (n == 0 && parts == 0)
			continue;
		ago %= print_units[i].length;
		parts++;
		if (n > 0 && used < size)
			used += (size_t)snprintf(buffer + used, size - used, "%s%" PRIu64 "%s",
						 used ? " " : "", n, print_units[i].name);
	}
	if (used == 0)
		used = (size_t)snprintf(buffer, size, "%" PRIu64 "ms", ago / USEC_PER_MSEC);
	if (used < size)
		snprintf(buffer + used, size - used, " ago");
	return buffer;
}

const char *print_span(usec_t span, char *buffer, size_t size)
{
	size_t used = 0;

	if (span == USEC_INFINITY || span == 0) {
		snprintf(buffer, size, span ? "infinity" : "0");
		return buffer;
	}
	for (size_t i = 0; i < ARRAY_SIZE(print_units) - 1; i++) {
		usec_t n = span / print_units[i].length;

		span %= print_units[i].length;
		if (n > 0 && used < size)
			used += (size_t)snprintf(buffer + used, size - used, "%s%" PRIu64 "%s",
						 used ? " " : "", n, print_units[i].name);
	}
	if (span == 0 || used >= size)
		return buffer;
	if (span < USEC_PER_MSEC)
		snprintf(buffer + used, size - used, "%s%" PRIu64 "us", used ? " " : "", span);
	else if (span < USEC_PER_SEC)
		snprintf(buffer + used, size - used, "%s%" PRIu64 "ms", used ? " " : "",
			 span / USEC_PER_MSEC);
	else if (span % USEC_PER_SEC < USEC_PER_MSEC)
		snprintf(buffer + used, size - used, "%s%" PRIu64 "s", used ? " " : "", span / USEC_PER_SEC);
	else
		snprintf(buffer + used, size - used, "%s%" PRIu64 ".%03" PRIu64 "s", used ? " " : "",
			 span / USEC_PER_SEC, span % USEC_PER_SEC / USEC_PER_MSEC);
	return buffer;
}

const char *print_bytes(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const units[] = {"B", "K", "M", "G", "T", "P", "E"};
	double value = (double)bytes;
	size_t i = 0;

	for (; value >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	snprintf(buffer, size, i ? "%.1f%s" : "%.0f%s", value, units[i]);
	return buffer;
}

void print_safe(const char *text)
{
	for (const char *c = text; *c; c++)
		putchar((unsigned char)*c < ' ' && *c != '\t' ? '?' : *c == 0x7f ? '?' : *c);
}

void print_json(struct json_object *value)
{
	puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
}

void print_json_units(char *const *arguments, struct json_object *answers)
{
	if (text_list_length(arguments) != 1 || strpbrk(arguments[0], "*?[")) {
		print_json(answers);
		return;
	}
	json_object_object_foreach(answers, name, value)
	{
		(void)name;
		print_json(value);
	}
}

/* --- tables ------------------------------------------------------------------------------------------ */

void print_table_add(struct print_table *table, const char *cell)
{
	char *copy = strdup(cell ? cell : "");

	if (copy && table->n_cells == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		char **cells = reallocarray(table->cells, room, sizeof *cells);

		if (cells) {
			table->cells = cells;
			table->room = room;
		} else {
			free(TAKE(copy));
		}
	}
	if (!copy) {
		table->failed = true;
		return;
	}
	table->cells[table->n_cells++] = copy;
}

static void print_table_free(struct print_table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct print_table){};
}

/* Characters, not bytes: continuation bytes of UTF-8 take no column. */
static size_t print_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t print_table_width(const struct print_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		width = MAX_OF(width, print_width(table->cells[i]));
	return table->widest ? MIN_OF(width, table->widest) : width;
}

/* Is nothing left of the row behind cell I? */
static bool print_table_row_ends(const struct print_table *table, size_t i)
{
	while (++i % table->n_columns)
		if (table->cells[i][0])
			return false;
	return true;
}

int print_table_end(struct print_table *table)
{
	_cleanup_free_ size_t *widths = calloc(table->n_columns, sizeof *widths);

	if (!widths || table->failed) {
		print_table_free(table);
		return CLI_FAILED;
	}
	for (size_t column = 0; column < table->n_columns; column++)
		widths[column] = print_table_width(table, column);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t column = i % table->n_columns, width = print_width(table->cells[i]);

		print_safe(table->cells[i]);
		if (!print_table_row_ends(table, i)) {
			printf("%*s", (int)(widths[column] > width ? widths[column] - width + 1 : 1), "");
			continue;
		}
		putchar('\n');
		i += table->n_columns - 1 - column;
	}
	print_table_free(table);
	return CLI_OK;
}
