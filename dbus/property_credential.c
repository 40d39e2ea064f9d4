/* LoadCredential= and its siblings on D-Bus, in systemd's types. The value of one that was set goes to those only who may call methods; others
 * see an empty one. */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "dbus/parts.h"
#include "engine/credential.h"

const char *property_credential_signature(const struct directive *directive)
{
	switch (directive->argument) {
	case SPEC_CREDENTIAL_LOAD:
	case SPEC_CREDENTIAL_LOAD_ENCRYPTED:
		return "a(ss)";
	case SPEC_CREDENTIAL_SET:
	case SPEC_CREDENTIAL_SET_ENCRYPTED:
		return "a(say)";
	default:
		return "as";
	}
}

static int property_credential_append_value(sd_bus_message *message, const char *name, const char *value,
					    bool sealed)
{
	bool trusted = connection_view(sd_bus_message_get_bus(message))->connection->caller_trusted;
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int r = !trusted ? 0
		: sealed ? base64_decode(value, &data, &size)
			 : credential_unescape(value, &data, &size);

	if (r >= 0)
		r = sd_bus_message_open_container(message, 'r', "say");
	if (r >= 0)
		r = sd_bus_message_append_basic(message, 's', name);
	if (r >= 0)
		r = sd_bus_message_append_array(message, 'y', data, size);
	if (data)
		explicit_bzero(data, size);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

int property_credential_append(sd_bus_message *message, const struct directive *directive,
			       char *const *entries, bool extended)
{
	const char *signature = extended ? "a(ss)" : property_credential_signature(directive);
	int r = sd_bus_message_open_container(message, 'a', signature + 1);

	for (; entries && *entries && r >= 0; entries++) {
		_cleanup_free_ char *name = strndup(*entries, strcspn(*entries, ":"));
		const char *value = strchr(*entries, ':') ? strchr(*entries, ':') + 1 : NULL;

		if (!name)
			return -ENOMEM;
		if (strcmp(signature, "as") == 0)
			r = value ? 0 : sd_bus_message_append_basic(message, 's', name);
		else if (strcmp(signature, "a(say)") == 0)
			r = property_credential_append_value(
				message, name, value, directive->argument == SPEC_CREDENTIAL_SET_ENCRYPTED);
		else
			r = sd_bus_message_append(message, "(ss)", name, value ?: extended ? "" : name);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}
