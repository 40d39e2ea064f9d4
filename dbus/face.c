/* The two sets of names for the same objects. They differ in prefixes only, but sd-bus wants whole strings.
 */
#include <stdio.h>

#include "dbus/parts.h"

#define FACE_NAMES(bus_name, prefix)                                                                         \
	{                                                                                                    \
		.service = bus_name, .path = prefix, .unit_path = prefix "/unit", .job_path = prefix "/job", \
		.manager = bus_name ".Manager", .unit = bus_name ".Unit",                                    \
		.service_interface = bus_name ".Service", .target = bus_name ".Target",                      \
		.slice = bus_name ".Slice", .job = bus_name ".Job", .error_prefix = bus_name ".",            \
	}

const struct face face_table[FACE_MAX_] = {
	[FACE_SVCD] = FACE_NAMES(NAMES_SERVICE, NAMES_PATH),
	[FACE_SYSTEMD] = FACE_NAMES(NAMES_SYSTEMD_SERVICE, NAMES_SYSTEMD_PATH),
};

char *face_unit_path(const struct face *face, const char *unit)
{
	char *path = NULL;

	return sd_bus_path_encode(face->unit_path, unit, &path) < 0 ? NULL : path;
}

char *face_job_path(const struct face *face, uint32_t id)
{
	return text_format("%s/%u", face->job_path, id);
}
