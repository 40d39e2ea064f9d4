/* D-Bus values: read as JSON, which every verb works on, and printed as systemctl prints them. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* --- reading ----------------------------------------------------------------------------------------- */

static struct json_object *value_read_number(sd_bus_message *message, char type)
{
	union {
		uint8_t y;
		int b;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
		double d;
	} value = {};

	if (sd_bus_message_read_basic(message, type, &value) <= 0)
		return NULL;
	switch (type) {
	case 'b':
		return json_object_new_boolean(value.b);
	case 'y':
		return json_object_new_int(value.y);
	case 'n':
		return json_object_new_int(value.n);
	case 'q':
		return json_object_new_int(value.q);
	case 'i':
		return json_object_new_int(value.i);
	case 'u':
		return json_object_new_int64(value.u);
	case 'x':
		return json_object_new_int64(value.x);
	case 'd':
		return json_object_new_double(value.d);
	default:
		return json_object_new_uint64(value.t);
	}
}

/* The length of the UTF-8 sequence at TEXT, which ends in NUL; 0 if there is none (RFC 3629). */
static size_t value_utf8_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is beyond Unicode. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

struct json_object *value_text(const char *text)
{
	struct text_buffer buffer = {};
	struct json_object *value = NULL;
	size_t length;

	for (; *text; text += MAX_OF(length, (size_t)1)) {
		length = value_utf8_length((const unsigned char *)text);
		text_buffer_append_bytes(&buffer, length ? text : "\xef\xbf\xbd", length ? length : 3);
	}
	if (!buffer.failed)
		value = json_object_new_string(buffer.data ? buffer.data : "");
	text_buffer_free(&buffer);
	return value;
}

static struct json_object *value_read_text(sd_bus_message *message, char type)
{
	const char *text;

	return sd_bus_message_read_basic(message, type, &text) > 0 ? json_object_new_string(text) : NULL;
}

static struct json_object *value_read_dictionary(sd_bus_message *message)
{
	struct json_object *object = json_object_new_object();
	const char *contents;
	char type;

	while (sd_bus_message_peek_type(message, &type, &contents) > 0 &&
	       sd_bus_message_enter_container(message, type, contents) > 0) {
		const char *name;

		if (sd_bus_message_read_basic(message, 's', &name) <= 0)
			break;
		json_object_object_add(object, name, value_read(message));
		if (sd_bus_message_exit_container(message) < 0)
			break;
	}
	return object;
}

static struct json_object *value_read_container(sd_bus_message *message, char type, const char *contents)
{
	struct json_object *value, *item;

	if (sd_bus_message_enter_container(message, type, contents) <= 0)
		return NULL;
	if (type == SD_BUS_TYPE_VARIANT) {
		value = value_read(message);
	} else if (type == SD_BUS_TYPE_ARRAY && contents[0] == '{') {
		value = value_read_dictionary(message);
	} else {
		value = json_object_new_array();
		while ((item = value_read(message)))
			json_object_array_add(value, item);
	}
	sd_bus_message_exit_container(message);
	return value;
}

struct json_object *value_read(sd_bus_message *message)
{
	const char *contents;
	char type;

	if (sd_bus_message_peek_type(message, &type, &contents) <= 0)
		return NULL;
	if (strchr("sog", type))
		return value_read_text(message, type);
	if (strchr("avr", type))
		return value_read_container(message, type, contents);
	return value_read_number(message, type);
}

/* --- printing ---------------------------------------------------------------------------------------- */

static char *value_print_number(const char *name, struct json_object *value)
{
	uint64_t number = json_object_get_uint64(value);
	char text[64];

	if (json_object_get_int64(value) < 0)
		return text_format("%" PRIi64, json_object_get_int64(value));
	if (text_ends_with(name, "Timestamp"))
		return number == 0 || number == UINT64_MAX ? strdup("")
							   : strdup(print_time(number, text, sizeof text));
	if (number == UINT64_MAX)
		return strdup(text_ends_with(name, "USec") || text_starts_with(name, "Limit") ||
					      text_ends_with(name, "Max") || text_ends_with(name, "High")
				      ? "infinity"
				      : "[not set]");
	if (number == UINT32_MAX && (strcmp(name, "UID") == 0 || strcmp(name, "GID") == 0))
		return strdup("[not set]");
	if (text_ends_with(name, "USec"))
		return strdup(print_span(number, text, sizeof text));
	if (strcmp(name, "UMask") == 0 || text_ends_with(name, "Mode"))
		return text_format("%04" PRIo64, number);
	return text_format("%" PRIu64, number);
}

static char *value_print_hex(struct json_object *list)
{
	struct text_buffer buffer = {};

	for (size_t i = 0; i < json_object_array_length(list); i++)
		text_buffer_append(&buffer, "%02x",
				   (unsigned)json_object_get_int(json_object_array_get_idx(list, i)));
	return text_buffer_finish(&buffer);
}

static struct json_object *value_at(struct json_object *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}

/* ExecStart= and its like, one process of systemctl's to the letter. */
static void value_print_command(struct text_buffer *buffer, struct json_object *command)
{
	struct json_object *argv = value_at(command, 1), *flags = value_at(command, 2);
	uint64_t start = json_object_get_uint64(value_at(command, 3)),
		 stop = json_object_get_uint64(value_at(command, 5));
	int code = json_object_get_int(value_at(command, 8));
	char from[64], to[64];

	text_buffer_append(buffer, "{ path=%s ; argv[]=", json_object_get_string(value_at(command, 0)));
	for (size_t i = 0; i < json_object_array_length(argv); i++)
		text_buffer_append(buffer, "%s%s", i ? " " : "", json_object_get_string(value_at(argv, i)));
	if (json_object_is_type(flags, json_type_boolean)) {
		text_buffer_append(buffer, " ; ignore_errors=%s",
				   json_object_get_boolean(flags) ? "yes" : "no");
	} else {
		text_buffer_append(buffer, " ; flags=");
		for (size_t i = 0; i < json_object_array_length(flags); i++)
			text_buffer_append(buffer, "%s%s", i ? " " : "",
					   json_object_get_string(value_at(flags, i)));
	}
	text_buffer_append(buffer, " ; start_time=[%s] ; stop_time=[%s] ; pid=%d ; code=%s ; status=%d/%s }",
			   start ? print_time(start, from, sizeof from) : "n/a",
			   stop ? print_time(stop, to, sizeof to) : "n/a",
			   json_object_get_int(value_at(command, 7)),
			   code == CLD_EXITED	? "exited"
			   : code == CLD_KILLED ? "killed"
			   : code == CLD_DUMPED ? "dumped"
						: "(null)",
			   json_object_get_int(value_at(command, 9)), "0");
}

static char *value_print_list(const char *name, struct json_object *list)
{
	struct text_buffer buffer = {};

	if (strcmp(name, "InvocationID") == 0)
		return value_print_hex(list);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = value_at(list, i);
		_cleanup_free_ char *text = NULL;

		if (json_object_is_type(item, json_type_array) && json_object_array_length(item) == 10) {
			text_buffer_append(&buffer, "%s", i ? "\n" : "");
			value_print_command(&buffer, item);
			continue;
		}
		text = value_print("", item);
		text_buffer_append(&buffer, "%s%s", i ? " " : "", text ? text : "");
	}
	return text_buffer_finish(&buffer);
}

char *value_print(const char *name, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return strdup(json_object_get_boolean(value) ? "yes" : "no");
	case json_type_int:
		return value_print_number(name, value);
	case json_type_array:
		return value_print_list(name, value);
	case json_type_string:
		return strdup(json_object_get_string(value));
	case json_type_null:
		return strdup("");
	case json_type_double:
	case json_type_object:
		break;
	}
	return strdup(json_object_to_json_string(value));
}
