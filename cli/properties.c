/* All properties of an object, as one JSON object. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static struct json_object *properties_get_all(struct cli *cli, const char *path, const char *interface,
					      const char *what, int *ret_status)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_call_method(cli->bus, NAMES_SERVICE, path, "org.freedesktop.DBus.Properties", "GetAll",
				   &error, &reply, "s", interface);

	/* Who may not make the manager load a unit sees no object for one that has no file. */
	if (r < 0 && sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT)) {
		if (!cli->quiet)
			fprintf(stderr, "Unit %s could not be found.\n", what);
		*ret_status = CLI_UNKNOWN;
		return NULL;
	}
	if (r < 0) {
		*ret_status = call_report(cli, r, &error, "get properties of %s", what);
		return NULL;
	}
	*ret_status = CLI_OK;
	return value_read(reply);
}

/* What was set as a credential came over the bus, as systemd's clients expect it; a screen is no place for it. */
static void properties_hide_secrets(struct json_object *properties)
{
	static const char *const names[] = {"SetCredential", "SetCredentialEncrypted"};

	for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
		struct json_object *list = properties_list(properties, names[n]), *plain;

		if (!list)
			continue;
		plain = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *name =
				json_object_array_get_idx(json_object_array_get_idx(list, i), 0);

			json_object_array_add(plain, json_object_get(name));
		}
		json_object_object_add(properties, names[n], plain);
	}
}

struct json_object *properties_of_unit(struct cli *cli, const char *unit, int *ret_status)
{
	_cleanup_free_ char *path = call_unit_path(unit);

	struct json_object *properties;

	*ret_status = CLI_FAILED;
	properties = path ? properties_get_all(cli, path, "", unit, ret_status) : NULL;
	if (properties)
		properties_hide_secrets(properties);
	return properties;
}

struct json_object *properties_of_manager(struct cli *cli, int *ret_status)
{
	return properties_get_all(cli, NAMES_PATH, NAMES_MANAGER, "the manager", ret_status);
}

const char *properties_text(struct json_object *properties, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(properties, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

uint64_t properties_number(struct json_object *properties, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(properties, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return UINT64_MAX;
	return json_object_get_uint64(value);
}

int64_t properties_integer(struct json_object *properties, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(properties, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return 0;
	return json_object_get_int64(value);
}

struct json_object *properties_list(struct json_object *properties, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(properties, name, &value) ||
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}
