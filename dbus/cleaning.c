/* Clean and CleanUnit. The answer comes when all is gone, or cannot be removed, or TimeoutCleanSec= is over. A client that
 * went away meanwhile hears nothing; the cleaning goes on. */
#include <errno.h>
#include <string.h>

#include "dbus/parts.h"
#include "engine/directory.h"

/* systemd's words for the kinds. */
static const char *const cleaning_names[SPEC_DIRECTORY_MAX_] = {
	[SPEC_DIRECTORY_RUNTIME] = "runtime",
	[SPEC_DIRECTORY_STATE] = "state",
	[SPEC_DIRECTORY_CACHE] = "cache",
	[SPEC_DIRECTORY_LOGS] = "logs",
	[SPEC_DIRECTORY_CONFIGURATION] = "configuration",
};

struct cleaning {
	struct cleaning *next;
	struct bus *bus;
	sd_bus_message *message;
	const struct face *face;
};

static void cleaning_free(struct cleaning *cleaning)
{
	struct cleaning **link = &cleaning->bus->cleanings;

	while (*link != cleaning)
		link = &(*link)->next;
	*link = cleaning->next;
	sd_bus_message_unref(cleaning->message);
	free(cleaning);
}

static void cleaning_on_done(void *data, int result)
{
	struct cleaning *cleaning = data;

	if (cleaning->message && result >= 0)
		sd_bus_reply_method_return(cleaning->message, NULL);
	else if (cleaning->message)
		sd_bus_reply_method_errnof(cleaning->message, -result,
					   result == -ETIMEDOUT ? "It is still being removed: %m"
								: "Something could not be removed: %m");
	cleaning_free(cleaning);
}

void cleaning_drop(const struct connection *connection)
{
	for (struct cleaning *cleaning = connection->owner->cleanings; cleaning; cleaning = cleaning->next)
		if (cleaning->message && sd_bus_message_get_bus(cleaning->message) == connection->bus)
			cleaning->message = sd_bus_message_unref(cleaning->message);
}

void cleaning_drop_all(struct bus *bus)
{
	while (bus->cleanings)
		cleaning_free(bus->cleanings);
}

int cleaning_append_kinds(sd_bus_message *message, const struct unit *unit)
{
	int r = sd_bus_message_open_container(message, 'a', "s");

	for (size_t kind = 0; kind < SPEC_DIRECTORY_MAX_ && r >= 0; kind++)
		if (unit->config->spec.directories[kind])
			r = sd_bus_message_append_basic(message, 's', cleaning_names[kind]);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* The list of words as a mask. */
static int cleaning_read(sd_bus_message *message, unsigned *ret, sd_bus_error *error)
{
	unsigned what = 0;
	const char *word;
	int r = sd_bus_message_enter_container(message, 'a', "s");

	while (r >= 0 && (r = sd_bus_message_read_basic(message, 's', &word)) > 0) {
		unsigned before = what;

		for (unsigned kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
			if (strcmp(word, cleaning_names[kind]) == 0 || strcmp(word, "all") == 0)
				what |= 1u << kind;
		/* systemd's; there are no descriptors that outlive a unit here */
		if (what == before && strcmp(word, "fdstore") != 0 && !(before && strcmp(word, "all") == 0))
			return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
						 "Invalid resource type: %s", word);
	}
	if (r < 0)
		return r;
	*ret = what;
	return sd_bus_message_exit_container(message);
}

static int cleaning_begin(struct view *view, sd_bus_message *message, struct unit *unit, sd_bus_error *error)
{
	struct bus *bus = view->connection->owner;
	struct failure failure = {};
	struct cleaning *cleaning;
	unsigned what = 0;
	int r = cleaning_read(message, &what, error);

	if (r < 0)
		return r;
	cleaning = malloc(sizeof *cleaning);
	if (!cleaning)
		return -ENOMEM;
	*cleaning = (struct cleaning){.next = bus->cleanings,
				      .bus = bus,
				      .face = view->face,
				      .message = sd_bus_message_ref(message)};
	bus->cleanings = cleaning;
	r = host_clean(bus->host, unit, what, cleaning_on_done, cleaning, &failure);
	if (r == 0)
		return 1;
	cleaning_free(cleaning);
	if (r == -EOPNOTSUPP)
		return sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED, "%s.", failure.text);
	return r < 0 ? reply_error(error, view->face, r, &failure)
		     : sd_bus_reply_method_return(message, NULL);
}

int cleaning_method(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	return cleaning_begin(connection_view(sd_bus_message_get_bus(message)), message, userdata, error);
}

int cleaning_method_of_manager(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	struct failure failure = {};
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	r = manager_load_unit(bus_manager(view->connection->owner), name, &unit, &failure);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	if (unit->config->load_state == UNIT_NOT_FOUND)
		return reply_no_such_unit(error, view->face, name);
	return cleaning_begin(view, message, unit, error);
}
