/* Manager.SetUnitProperties() and Unit.SetProperties(): changes the limits of a unit while it runs. A property is named as it is shown,
 * or as its directive, and has the type it is shown with, or is a text as in a unit file. What comes is turned into such a text in any
 * case, so that one reader, the directive table's, decides what is valid. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dbus/parts.h"
#include "units/value.h"

enum { SETTING_MAX = 256 };

struct setting_list {
	struct host_setting items[SETTING_MAX];
	size_t n;
};

static void setting_list_deinit(struct setting_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		text_list_free(list->items[i].values);
}

/* The directive that is shown as NAME. *RET_SCALE: the number is a share of 2^32. */
static const struct directive *setting_find(const char *name, bool *ret_scale)
{
	_cleanup_free_ char *stem =
		text_ends_with(name, "Scale") ? strndup(name, strlen(name) - strlen("Scale")) : NULL;

	*ret_scale = stem != NULL;
	for (size_t i = 0; i < directive_count; i++) {
		const struct directive *row = &directive_table[i];
		const char *shown = property_name(row);

		if (directive_in_slice(row) && row->kind != VALUE_REFUSED &&
		    ((shown && strcmp(shown, stem ? stem : name) == 0) ||
		     strcmp(row->name, stem ? stem : name) == 0))
			return row;
	}
	return NULL;
}

/* --- values ------------------------------------------------------------------------------------------ */

static char *setting_print_number(const struct directive *row, uint64_t value)
{
	bool limit = row->kind == VALUE_LIMIT_SIZE || row->kind == VALUE_LIMIT_COUNT;

	if (value == UINT64_MAX)
		return strdup(limit || row->kind == VALUE_USEC ? "infinity" : "");
	if (row->kind == VALUE_CPU_QUOTA)
		return text_format("%" PRIu64 ".%02" PRIu64 "%%", value / 10000, value % 10000 / 100);
	if (row->kind == VALUE_USEC)
		return text_format("%" PRIu64 "us", value);
	if (row->kind == VALUE_WEIGHT && value == SPEC_CPU_WEIGHT_IDLE && row->argument & VALUE_WEIGHT_IDLE)
		return strdup("idle");
	return text_format("%" PRIu64, value);
}

/* Bits as "0-3,8", least significant first. */
static char *setting_print_set(const uint8_t *bits, size_t size)
{
	struct text_buffer text = {};
	size_t n = size * 8, first;

	for (size_t i = 0; i < n; i++) {
		if (!(bits[i / 8] >> i % 8 & 1))
			continue;
		for (first = i; i + 1 < n && bits[(i + 1) / 8] >> (i + 1) % 8 & 1;)
			i++;
		text_buffer_append(&text, "%s%zu", text.length ? "," : "", first);
		if (i > first)
			text_buffer_append(&text, "-%zu", i);
	}
	return text.length || text.failed ? text_buffer_finish(&text) : strdup("");
}

static int setting_read_basic(sd_bus_message *message, const struct directive *row, char type, bool scale,
			      char **ret)
{
	union {
		const char *text;
		uint64_t number;
		uint32_t small;
		int flag;
	} value = {};
	int r = sd_bus_message_read_basic(message, type, &value);

	if (r < 0)
		return r;
	if (type == 's')
		*ret = strdup(value.text);
	else if (type == 'b')
		*ret = strdup(value.flag ? "yes" : "no");
	else if (type == 't')
		*ret = setting_print_number(row, value.number);
	else if (scale || row->kind == VALUE_SPECIAL) /* a share of 2^32 */
		*ret = text_format("%.2f%%", (double)value.small * 100 / UINT32_MAX);
	else
		*ret = text_format("%u", value.small);
	return *ret ? 0 : -ENOMEM;
}

/* What a list has now as lines, for new ones to follow; those that begin with WORD are replaced. */
static int setting_take_present(const struct directive *row, const struct unit_config *config, char ***list)
{
	const struct spec_io_limits *limits = directive_field(row, config);
	int r = text_list_append(list, "");

	for (size_t i = 0; row->kind == VALUE_IO_LIMITS && r >= 0 && i < limits->n; i++) {
		uint64_t value = limits->items[i].value;

		if (value == SPEC_LIMIT_MAX)
			r = text_list_take(list, text_format("%s infinity", limits->items[i].path));
		else
			r = text_list_take(list, text_format("%s %" PRIu64 "%s", limits->items[i].path, value,
							     row->argument == VALUE_IO_LATENCY ? "us" : ""));
	}
	return r;
}

static void setting_drop_line(char **list, const char *word)
{
	size_t length = strlen(word);
	char **to = list;

	for (char **from = list; from && *from; from++)
		if (strncmp(*from, word, length) == 0 && (*from)[length] == ' ')
			free(*from);
		else
			*to++ = *from;
	if (to)
		*to = NULL;
}

/* a(st) and a(ss): lines of two words. An empty array empties the list. */
static int setting_read_pairs(sd_bus_message *message, const struct directive *row,
			      const struct unit_config *config, char type, char ***ret)
{
	_cleanup_text_list_ char **list = NULL;
	const char *content = type == 't' ? "(st)" : "(ss)", *name, *text;
	uint64_t value;
	size_t n = 0;
	int r = sd_bus_message_enter_container(message, 'a', content);

	if (r >= 0)
		r = setting_take_present(row, config, &list);
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'r', type == 't' ? "st" : "ss")) > 0) {
		r = sd_bus_message_read_basic(message, 's', &name);
		if (r >= 0)
			r = type == 't' ? sd_bus_message_read_basic(message, 't', &value)
					: sd_bus_message_read_basic(message, 's', &text);
		if (r >= 0 && n < SETTING_MAX) {
			setting_drop_line(list, name);
			if (type == 's')
				r = text_list_take(&list, text_format("%s %s", name, text));
			else if (value == UINT64_MAX)
				r = text_list_take(&list, text_format("%s infinity", name));
			else
				r = text_list_take(
					&list, text_format("%s %" PRIu64 "%s", name, value,
							   row->argument == VALUE_IO_LATENCY ? "us" : ""));
			n++;
		}
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(message);
	if (r < 0)
		return r;
	if (n == 0) {
		text_list_free(TAKE(list));
		r = text_list_append(&list, "");
	}
	*ret = TAKE(list);
	return r;
}

/* a(iayu): addresses with the length of their prefix. */
static int setting_read_addresses(sd_bus_message *message, char ***ret)
{
	_cleanup_text_list_ char **list = NULL;
	int r = sd_bus_message_enter_container(message, 'a', "(iayu)");

	if (r >= 0)
		r = text_list_append(&list, "");
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'r', "iayu")) > 0) {
		char text[INET6_ADDRSTRLEN];
		const void *address;
		uint32_t prefix;
		int32_t family;
		size_t size;

		r = sd_bus_message_read_basic(message, 'i', &family);
		if (r >= 0)
			r = sd_bus_message_read_array(message, 'y', &address, &size);
		if (r >= 0)
			r = sd_bus_message_read_basic(message, 'u', &prefix);
		if (r >= 0 && (size != (family == AF_INET ? 4u : 16u) ||
			       !inet_ntop(family, address, text, sizeof text)))
			r = -EINVAL;
		if (r >= 0)
			r = text_list_take(&list, text_format("%s/%u", text, prefix));
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(message);
	*ret = r < 0 ? NULL : TAKE(list);
	return r;
}

static int setting_read_words(sd_bus_message *message, char ***ret)
{
	char **words = NULL;
	struct text_buffer text = {};
	_cleanup_free_ char *line = NULL;
	int r = sd_bus_message_read_strv(message, &words);

	TEXT_LIST_FOREACH (word, words)
		text_buffer_append(&text, "%s%s", text.length ? " " : "", *word);
	text_list_free(words);
	line = text_buffer_finish(&text);
	if (r >= 0)
		r = text_list_append(ret, "");
	if (r >= 0 && line && *line)
		r = text_list_append(ret, line);
	return r < 0 ? r : 0;
}

/* A value, whose variant has been entered, as the lines of a unit file. -ENOTSUP: not a type of this property. */
static int setting_read_value(sd_bus_message *message, const struct directive *row,
			      const struct unit_config *config, const char *type, bool scale, char ***ret)
{
	char *text = NULL;
	const void *bits;
	size_t size;
	int r = -ENOTSUP;

	if (row->kind == VALUE_RULES && strcmp(type, "s") != 0 && strcmp(type, "a(iayu)") != 0)
		return strcmp(type, property_signature(row)) == 0
			       ? property_rules_read(message, type, row->name, ret)
			       : -ENOTSUP;
	if (strcmp(type, "s") == 0 || strcmp(type, "b") == 0 || strcmp(type, "t") == 0 ||
	    strcmp(type, "u") == 0) {
		r = setting_read_basic(message, row, *type, scale, &text);
	} else if (strcmp(type, "ay") == 0) {
		r = sd_bus_message_read_array(message, 'y', &bits, &size);
		/* A list grows by what is assigned; this is all there is to be. */
		if (r >= 0)
			r = text_list_append(ret, "");
		text = r < 0 ? NULL : setting_print_set(bits, size);
		r = r < 0 ? r : text ? 0 : -ENOMEM;
	} else if (strcmp(type, "as") == 0) {
		return setting_read_words(message, ret);
	} else if (strcmp(type, "a(st)") == 0) {
		return setting_read_pairs(message, row, config, 't', ret);
	} else if (strcmp(type, "a(ss)") == 0) {
		return setting_read_pairs(message, row, config, 's', ret);
	} else if (strcmp(type, "a(iayu)") == 0) {
		return setting_read_addresses(message, ret);
	}
	if (r >= 0 && *type == 's' && row->kind == VALUE_IO_LIMITS && *text) {
		/* One more device, or another value for one. */
		_cleanup_free_ char *name = strndup(text, strcspn(text, " \t"));

		r = name ? setting_take_present(row, config, ret) : -ENOMEM;
		if (r >= 0)
			setting_drop_line(*ret, name);
	} else if (r >= 0 && *type == 's' && row->kind == VALUE_SPECIAL && *text) {
		r = text_list_append(ret, ""); /* a list that grows: this is all there is to be */
	}
	if (r < 0) {
		free(text);
		return r;
	}
	return text_list_take(ret, text);
}

static int setting_read_one(sd_bus_message *message, const struct unit *unit, struct setting_list *list,
			    sd_bus_error *error)
{
	const struct directive *row;
	const char *name, *type;
	char kind;
	bool scale;
	int r = sd_bus_message_read_basic(message, 's', &name);

	if (r < 0)
		return r;
	row = setting_find(name, &scale);
	if (!row)
		return sd_bus_error_setf(error, SD_BUS_ERROR_PROPERTY_READ_ONLY,
					 "Cannot set property %s, or unknown property.", name);
	r = sd_bus_message_peek_type(message, &kind, &type);
	if (r < 0)
		return r;
	if (list->n == SETTING_MAX)
		return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many properties.");
	r = sd_bus_message_enter_container(message, 'v', type);
	if (r >= 0) {
		list->items[list->n].directive = row;
		r = setting_read_value(message, row, unit->config, type, scale,
				       &list->items[list->n++].values);
	}
	if (r == -ENOTSUP || r == -EINVAL)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
					 "A value of type %s does not suit property %s.", type, name);
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int setting_read_all(sd_bus_message *message, const struct unit *unit, struct setting_list *list,
			    sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(message, 'a', "(sv)");

	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'r', "sv")) > 0) {
		r = setting_read_one(message, unit, list, error);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* --- the methods ------------------------------------------------------------------------------------- */

static int setting_answer(struct view *view, sd_bus_message *message, struct unit *unit, bool runtime,
			  sd_bus_error *error)
{
	struct bus *bus = view->connection->owner;
	_cleanup_(setting_list_deinit) struct setting_list list = {};
	struct failure failure = {};
	int r;

	if (unit->kind == UNIT_TARGET)
		return sd_bus_error_setf(error, SD_BUS_ERROR_PROPERTY_READ_ONLY,
					 "%s has no processes that could be limited.", unit->name);
	r = setting_read_all(message, unit, &list, error);
	if (r < 0)
		return r;
	if (list.n > 0)
		r = host_set_properties(bus->host, unit, runtime, list.items, list.n, &failure);
	host_wake(bus->host);
	return r < 0 ? reply_error(error, view->face, r, &failure)
		     : sd_bus_reply_method_return(message, NULL);
}

int setting_method(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	int runtime, r = sd_bus_message_read_basic(message, 'b', &runtime);

	return r < 0 ? r
		     : setting_answer(connection_view(sd_bus_message_get_bus(message)), message, userdata,
				      runtime, error);
}

int setting_method_of_manager(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	struct failure failure = {};
	const char *name;
	struct unit *unit;
	int runtime, r = sd_bus_message_read(message, "sb", &name, &runtime);

	if (r < 0)
		return r;
	r = manager_load_unit(bus_manager(view->connection->owner), name, &unit, &failure);
	return r < 0 ? reply_error(error, view->face, r, &failure)
		     : setting_answer(view, message, unit, runtime, error);
}
