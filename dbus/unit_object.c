/* Unit objects: /org/svcd1/unit/NAME. There is no object in memory per unit: a path is decoded, and the unit
 * loaded if it was not, whenever a client asks (clients build such paths themselves). The interface shows
 * every unit alike; what is special to services is in service_object.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/parts.h"

/* --- finding ----------------------------------------------------------------------------------------- */

/* Loading a name that has no file costs memory for as long as the manager keeps it; not for everyone who
 * asks. */
static bool unit_object_may_load(const struct view *view, const char *name)
{
	struct world *world = bus_manager(view->connection->owner)->world;
	struct unit_config *config = NULL;
	bool found;

	if (view->connection->caller_trusted)
		return true;
	if (world->ops->load(world, name, &config) < 0)
		return false;
	found = config->load_state != UNIT_NOT_FOUND;
	unit_config_free(config);
	return found;
}

int unit_object_find(struct view *view, const char *path, struct unit **ret)
{
	struct manager *manager = bus_manager(view->connection->owner);
	_cleanup_free_ char *name = NULL;
	struct unit *unit;
	int r;

	r = sd_bus_path_decode(path, view->face->unit_path, &name);
	if (r <= 0)
		return r;
	unit = manager_get_unit(manager, name);
	if (!unit) {
		if (unit_name_parse(name, NULL, NULL) < 0 || unit_name_is_template(name) ||
		    !unit_object_may_load(view, name))
			return 0;
		r = manager_load_unit(manager, name, &unit, NULL);
		if (r < 0)
			return r == -ENOMEM ? r : 0;
	}
	*ret = unit;
	return 1;
}

static int unit_object_on_find(_unused_ sd_bus *bus, const char *path, _unused_ const char *interface,
			       void *userdata, void **ret_found, _unused_ sd_bus_error *error)
{
	struct unit *unit = NULL;
	int r = unit_object_find(userdata, path, &unit);

	if (r > 0)
		*ret_found = unit;
	return r;
}

static int unit_object_on_find_kind(sd_bus *bus, const char *path, const char *interface, void *userdata,
				    void **ret_found, sd_bus_error *error)
{
	struct view *view = userdata;
	int r = unit_object_on_find(bus, path, interface, userdata, ret_found, error);

	if (r <= 0)
		return r;
	return ((struct unit *)*ret_found)->kind == (strcmp(interface, view->face->target) == 0 ? UNIT_TARGET
						     : strcmp(interface, view->face->slice) == 0
							     ? UNIT_SLICE
							     : UNIT_SERVICE);
}

static int unit_object_enumerate(_unused_ sd_bus *bus, _unused_ const char *prefix, void *userdata,
				 char ***ret_nodes, _unused_ sd_bus_error *error)
{
	struct view *view = userdata;
	_cleanup_text_list_ char **nodes = NULL;

	TABLE_FOREACH (slot, &bus_manager(view->connection->owner)->units) {
		int r = text_list_take(&nodes, face_unit_path(view->face, slot->key));

		if (r < 0)
			return r;
	}
	*ret_nodes = TAKE(nodes);
	return 0;
}

int unit_object_register(struct view *view)
{
	struct bus *owner = view->connection->owner;
	sd_bus *bus = view->connection->bus;
	const struct face *face = view->face;
	int r;

	r = sd_bus_add_fallback_vtable(bus, NULL, face->unit_path, face->unit, owner->unit_vtable,
				       unit_object_on_find, view);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, NULL, face->unit_path, face->service_interface,
					       owner->service_vtable, unit_object_on_find_kind, view);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, NULL, face->unit_path, face->target, target_object_vtable,
					       unit_object_on_find_kind, view);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, NULL, face->unit_path, face->slice, owner->slice_vtable,
					       unit_object_on_find_kind, view);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, NULL, face->unit_path, unit_object_enumerate, view);
	return r < 0 ? r : 0;
}

/* --- what others show of a unit too ------------------------------------------------------------------ */

const char *unit_object_load_state(const struct unit *unit)
{
	return unit_load_state_names[unit->config->load_state];
}

const char *unit_object_description(const struct unit *unit)
{
	return unit->config->description && unit->config->description[0] ? unit->config->description
									 : unit->name;
}

/* Where our part of the hierarchy begins, as seen from the hierarchy's own root. */
static const char *unit_object_cgroup_root(const struct cgroup_tree *tree)
{
	static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
	const char *root = tree->path ? tree->path : "";

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		if (text_starts_with(root, mounts[i]))
			return root + strlen(mounts[i]);
	return root;
}

char *unit_object_cgroup(const struct bus *bus, const struct unit *unit)
{
	const struct cgroup_tree *tree = host_cgroup_tree(bus->host);
	_cleanup_free_ char *below = NULL;

	if (!tree || tree->root_fd < 0 || (unit && unit->kind == UNIT_TARGET))
		return strdup("");
	if (!unit)
		return strdup(unit_object_cgroup_root(tree));
	below = unit_cgroup_path(unit->name, unit->config);
	return below ? text_format("%s%s%s", unit_object_cgroup_root(tree), *below ? "/" : "", below) : NULL;
}

int unit_object_append_job(sd_bus_message *message, const struct face *face, const struct unit *unit)
{
	_cleanup_free_ char *path = NULL;

	if (!unit->job)
		return sd_bus_message_append(message, "uso", 0, "", "/");
	path = face_job_path(face, unit->job->id);
	return path ? sd_bus_message_append(message, "uso", unit->job->id, job_type_names[unit->job->type],
					    path)
		    : -ENOMEM;
}

/* --- properties -------------------------------------------------------------------------------------- */

/* A getter's signature has seven arguments, of which most use three. */
#define UNIT_GETTER(name)                                                                                \
	static int name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, \
			_unused_ const char *property, sd_bus_message *reply, void *userdata,            \
			_unused_ sd_bus_error *error)

UNIT_GETTER(unit_object_get_id)
{
	return sd_bus_message_append(reply, "s", ((struct unit *)userdata)->name);
}

UNIT_GETTER(unit_object_get_names)
{
	return sd_bus_message_append(reply, "as", 1, ((struct unit *)userdata)->name);
}

UNIT_GETTER(unit_object_get_description)
{
	return sd_bus_message_append(reply, "s", unit_object_description(userdata));
}

UNIT_GETTER(unit_object_get_load_state)
{
	return sd_bus_message_append(reply, "s", unit_object_load_state(userdata));
}

UNIT_GETTER(unit_object_get_active_state)
{
	return sd_bus_message_append(reply, "s", unit_active_state_names[unit_active_state(userdata)]);
}

UNIT_GETTER(unit_object_get_sub_state)
{
	return sd_bus_message_append(reply, "s", unit_sub_state(userdata));
}

UNIT_GETTER(unit_object_get_freezer_state)
{
	static const char *const names[CGROUP_FREEZER_MAX_] = {
		[CGROUP_RUNNING] = "running",
		[CGROUP_FREEZING] = "freezing",
		[CGROUP_FROZEN] = "frozen",
		[CGROUP_THAWING] = "thawing",
	};
	const struct host *host = connection_view(bus)->connection->owner->host;

	return sd_bus_message_append(reply, "s", names[host_freezer_state(host, userdata)]);
}

UNIT_GETTER(unit_object_get_can_freeze)
{
	const struct cgroup_tree *tree = host_cgroup_tree(connection_view(bus)->connection->owner->host);

	return sd_bus_message_append(reply, "b",
				     tree->root_fd >= 0 && ((struct unit *)userdata)->kind == UNIT_SERVICE);
}

UNIT_GETTER(unit_object_get_can_clean)
{
	return cleaning_append_kinds(reply, userdata);
}

/* Looked up anew each time: files change without telling. */
UNIT_GETTER(unit_object_get_need_reload)
{
	const struct unit *unit = userdata;
	struct host *host = connection_view(bus)->connection->owner->host;

	return sd_bus_message_append(
		reply, "b", unit_fingerprint(host_unit_path(host), unit->name) != unit->config->fingerprint);
}

UNIT_GETTER(unit_object_get_empty)
{
	(void)userdata;
	return sd_bus_message_append(reply, "s", "");
}

UNIT_GETTER(unit_object_get_empty_list)
{
	(void)userdata;
	return sd_bus_message_append(reply, "as", 0);
}

UNIT_GETTER(unit_object_get_false)
{
	(void)userdata;
	return sd_bus_message_append(reply, "b", false);
}

UNIT_GETTER(unit_object_get_bool)
{
	return sd_bus_message_append(reply, "b", (int)*(const bool *)userdata);
}

/* Conditions and asserts are checked at the same time; a failed assert is a failed start. */
UNIT_GETTER(unit_object_get_fragment)
{
	const struct unit *unit = userdata;

	return sd_bus_message_append(reply, "s", unit->config->files ? unit->config->files[0] : "");
}

UNIT_GETTER(unit_object_get_drop_ins)
{
	const struct unit *unit = userdata;

	return property_append_list(reply, unit->config->files ? unit->config->files + 1 : NULL);
}

UNIT_GETTER(unit_object_get_file_state)
{
	const struct unit *unit = userdata;
	const struct host *host = connection_view(bus)->connection->owner->host;
	const char *state = unit->config->files ? unit_file_state(host_unit_path(host), unit->config) : NULL;

	return sd_bus_message_append(reply, "s", state ? state : "");
}

/* Dependencies: which of the config's lists, and which way they point. Before= here is After= there. */
static const struct unit_object_dependency {
	const char *property;
	enum unit_dependency dependency;
	bool reverse;
	int also; /* another list that says the same from the other side; -1: none */
} unit_object_dependencies[] = {
	{"Requires", UNIT_REQUIRES, false, -1},
	{"Requisite", UNIT_REQUISITE, false, -1},
	{"Wants", UNIT_WANTS, false, -1},
	{"BindsTo", UNIT_BINDS_TO, false, -1},
	{"PartOf", UNIT_PART_OF, false, -1},
	{"Upholds", UNIT_UPHOLDS, false, -1},
	{"RequiredBy", UNIT_REQUIRES, true, -1},
	{"RequisiteOf", UNIT_REQUISITE, true, -1},
	{"WantedBy", UNIT_WANTS, true, -1},
	{"BoundBy", UNIT_BINDS_TO, true, -1},
	{"UpheldBy", UNIT_UPHOLDS, true, -1},
	{"ConsistsOf", UNIT_PART_OF, true, -1},
	{"Conflicts", UNIT_CONFLICTS, false, -1},
	{"ConflictedBy", UNIT_CONFLICTS, true, -1},
	{"Before", UNIT_BEFORE, false, UNIT_AFTER},
	{"After", UNIT_AFTER, false, UNIT_BEFORE},
	{"OnSuccess", UNIT_ON_SUCCESS, false, -1},
	{"OnSuccessOf", UNIT_ON_SUCCESS, true, -1},
	{"OnFailure", UNIT_ON_FAILURE, false, -1},
	{"OnFailureOf", UNIT_ON_FAILURE, true, -1},
	{"PropagatesReloadTo", UNIT_PROPAGATES_RELOAD_TO, false, -1},
	{"ReloadPropagatedFrom", UNIT_PROPAGATES_RELOAD_TO, true, -1},
	{"PropagatesStopTo", UNIT_PROPAGATES_STOP_TO, false, -1},
	{"StopPropagatedFrom", UNIT_PROPAGATES_STOP_TO, true, -1},
	{"JoinsNamespaceOf", UNIT_JOINS_NAMESPACE_OF, false, UNIT_JOINS_NAMESPACE_OF},
};

UNIT_GETTER(unit_object_get_dependencies)
{
	const struct unit_object_dependency *row = unit_object_dependencies;
	_cleanup_text_list_ char **names = NULL, **others = NULL;
	int r;

	while (strcmp(row->property, property) != 0)
		row++;
	r = unit_list_dependencies(userdata, row->dependency, row->reverse, &names);
	if (r >= 0 && row->also >= 0)
		r = unit_list_dependencies(userdata, row->also, true, &others);
	TEXT_LIST_FOREACH (other, others) {
		if (r >= 0 && !text_list_contains(names, *other))
			r = text_list_append(&names, *other);
	}
	return r < 0 ? r : property_append_list(reply, names);
}

UNIT_GETTER(unit_object_get_can_start)
{
	const struct unit *unit = userdata;

	return sd_bus_message_append(
		reply, "b",
		(int)(unit->config->load_state == UNIT_LOADED && !unit->config->refuse_manual_start));
}

UNIT_GETTER(unit_object_get_can_stop)
{
	return sd_bus_message_append(reply, "b", (int)!((struct unit *)userdata)->config->refuse_manual_stop);
}

UNIT_GETTER(unit_object_get_can_reload)
{
	return sd_bus_message_append(reply, "b", (int)unit_can_reload(userdata));
}

UNIT_GETTER(unit_object_get_can_isolate)
{
	return sd_bus_message_append(reply, "b", (int)((struct unit *)userdata)->config->allow_isolate);
}

UNIT_GETTER(unit_object_get_job)
{
	const struct unit *unit = userdata;
	_cleanup_free_ char *job = NULL;

	if (!unit->job)
		return sd_bus_message_append(reply, "(uo)", 0, "/");
	job = face_job_path(connection_view(bus)->face, unit->job->id);
	return job ? sd_bus_message_append(reply, "(uo)", unit->job->id, job) : -ENOMEM;
}

UNIT_GETTER(unit_object_get_load_error)
{
	const struct unit *unit = userdata;
	const struct failure *why = failure_kept(unit->config->load_failure);
	const char *name = reply_load_error_name(unit->config->load_state);
	char full[128], text[sizeof(struct failure)];

	if (!name)
		return sd_bus_message_append(reply, "(ss)", "", "");
	snprintf(full, sizeof full, "%s%s", connection_view(bus)->face->error_prefix, name);
	if (unit->config->load_state == UNIT_ERROR) /* reading failed, and the errno says why */
		failure_print(why, text, sizeof text);
	else
		snprintf(text, sizeof text, "%s%s%s", why->where, why->where[0] ? ": " : "", why->text);
	return sd_bus_message_append(reply, "(ss)", full, text);
}

/* Conditions= and Asserts=: (directive, trigger, negate, parameter, outcome), the outcome being 0 where it is
 * not kept by condition. */
UNIT_GETTER(unit_object_get_conditions)
{
	const struct unit_config *config = ((struct unit *)userdata)->config;
	bool asserts = strcmp(property, "Asserts") == 0;
	int r = sd_bus_message_open_container(reply, 'a', "(sbbsi)");

	for (size_t i = 0; r >= 0 && i < config->n_conditions; i++) {
		const struct unit_condition *condition = &config->conditions[i];

		if (condition->is_assert == asserts)
			r = sd_bus_message_append(
				reply, "(sbbsi)", directive_table[condition->directive].name,
				(int)condition->trigger, (int)condition->negate, condition->parameter, 0);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Sixteen zero bytes mean that it never ran: an empty array. */
UNIT_GETTER(unit_object_get_invocation_id)
{
	static const uint8_t none[16];
	const uint8_t *id = userdata;

	return sd_bus_message_append_array(reply, 'y', id,
					   memcmp(id, none, sizeof none) == 0 ? 0 : sizeof none);
}

UNIT_GETTER(unit_object_get_directive)
{
	const struct directive *row =
		table_get(&connection_view(bus)->connection->owner->unit_rows, property);

	return row ? property_append(reply, row, userdata) : -EINVAL;
}

UNIT_GETTER(unit_object_get_second)
{
	const struct directive *row =
		table_get(&connection_view(bus)->connection->owner->unit_rows, property);

	return row ? property_append_second(reply, row, userdata) : -EINVAL;
}

#define UNIT_CONST	      SD_BUS_VTABLE_PROPERTY_CONST
#define UNIT_CHANGES	      SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define UNIT_DEPENDENCY(name) SD_BUS_PROPERTY(name, "as", unit_object_get_dependencies, 0, UNIT_CONST)
#define UNIT_TIME(name, member)                                                                   \
	SD_BUS_PROPERTY(name "Timestamp", "t", NULL, offsetof(struct unit, timestamps.member[0]), \
			UNIT_CHANGES),                                                            \
		SD_BUS_PROPERTY(name "TimestampMonotonic", "t", NULL,                             \
				offsetof(struct unit, timestamps.member[1]), UNIT_CHANGES)

const sd_bus_vtable unit_object_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Start", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("Stop", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("Reload", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("Restart", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("TryRestart", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("ReloadOrRestart", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("ReloadOrTryRestart", "s", "o", unit_method_on_job, 0),
	SD_BUS_METHOD("Kill", "si", NULL, unit_method_on_kill, 0),
	SD_BUS_METHOD("ResetFailed", NULL, NULL, unit_method_on_reset_failed, 0),
	SD_BUS_METHOD("SetProperties", "ba(sv)", NULL, setting_method, 0),
	SD_BUS_METHOD("Freeze", NULL, NULL, freezing_method, 0),
	SD_BUS_METHOD("Thaw", NULL, NULL, freezing_method, 0),
	SD_BUS_METHOD("Clean", "as", NULL, cleaning_method, 0),

	SD_BUS_PROPERTY("Id", "s", unit_object_get_id, 0, UNIT_CONST),
	SD_BUS_PROPERTY("Names", "as", unit_object_get_names, 0, UNIT_CONST),
	SD_BUS_PROPERTY("Following", "s", unit_object_get_empty, 0, 0),
	UNIT_DEPENDENCY("Requires"),
	UNIT_DEPENDENCY("Requisite"),
	UNIT_DEPENDENCY("Wants"),
	UNIT_DEPENDENCY("BindsTo"),
	UNIT_DEPENDENCY("PartOf"),
	UNIT_DEPENDENCY("Upholds"),
	UNIT_DEPENDENCY("RequiredBy"),
	UNIT_DEPENDENCY("RequisiteOf"),
	UNIT_DEPENDENCY("WantedBy"),
	UNIT_DEPENDENCY("BoundBy"),
	UNIT_DEPENDENCY("UpheldBy"),
	UNIT_DEPENDENCY("ConsistsOf"),
	UNIT_DEPENDENCY("Conflicts"),
	UNIT_DEPENDENCY("ConflictedBy"),
	UNIT_DEPENDENCY("Before"),
	UNIT_DEPENDENCY("After"),
	UNIT_DEPENDENCY("OnSuccess"),
	UNIT_DEPENDENCY("OnSuccessOf"),
	UNIT_DEPENDENCY("OnFailure"),
	UNIT_DEPENDENCY("OnFailureOf"),
	UNIT_DEPENDENCY("PropagatesReloadTo"),
	UNIT_DEPENDENCY("ReloadPropagatedFrom"),
	UNIT_DEPENDENCY("PropagatesStopTo"),
	UNIT_DEPENDENCY("StopPropagatedFrom"),
	UNIT_DEPENDENCY("JoinsNamespaceOf"),
	SD_BUS_PROPERTY("Triggers", "as", unit_object_get_empty_list, 0, UNIT_CONST),
	SD_BUS_PROPERTY("TriggeredBy", "as", unit_object_get_empty_list, 0, UNIT_CONST),
	SD_BUS_PROPERTY("Description", "s", unit_object_get_description, 0, UNIT_CONST),
	SD_BUS_PROPERTY("LoadState", "s", unit_object_get_load_state, 0, UNIT_CONST),
	SD_BUS_PROPERTY("ActiveState", "s", unit_object_get_active_state, 0, UNIT_CHANGES),
	SD_BUS_PROPERTY("FreezerState", "s", unit_object_get_freezer_state, 0, UNIT_CHANGES),
	SD_BUS_PROPERTY("SubState", "s", unit_object_get_sub_state, 0, UNIT_CHANGES),
	SD_BUS_PROPERTY("FragmentPath", "s", unit_object_get_fragment, 0, UNIT_CONST),
	SD_BUS_PROPERTY("SourcePath", "s", unit_object_get_empty, 0, UNIT_CONST),
	SD_BUS_PROPERTY("DropInPaths", "as", unit_object_get_drop_ins, 0, UNIT_CONST),
	SD_BUS_PROPERTY("UnitFileState", "s", unit_object_get_file_state, 0, 0),
	SD_BUS_PROPERTY("UnitFilePreset", "s", unit_object_get_empty, 0, 0),
	UNIT_TIME("StateChange", state_change),
	UNIT_TIME("InactiveExit", inactive_exit),
	UNIT_TIME("ActiveEnter", active_enter),
	UNIT_TIME("ActiveExit", active_exit),
	UNIT_TIME("InactiveEnter", inactive_enter),
	SD_BUS_PROPERTY("CanStart", "b", unit_object_get_can_start, 0, UNIT_CONST),
	SD_BUS_PROPERTY("CanStop", "b", unit_object_get_can_stop, 0, UNIT_CONST),
	SD_BUS_PROPERTY("CanReload", "b", unit_object_get_can_reload, 0, UNIT_CONST),
	SD_BUS_PROPERTY("CanIsolate", "b", unit_object_get_can_isolate, 0, UNIT_CONST),
	SD_BUS_PROPERTY("CanClean", "as", unit_object_get_can_clean, 0, UNIT_CONST),
	SD_BUS_PROPERTY("CanFreeze", "b", unit_object_get_can_freeze, 0, UNIT_CONST),
	SD_BUS_PROPERTY("Job", "(uo)", unit_object_get_job, 0, UNIT_CHANGES),
	SD_BUS_PROPERTY("NeedDaemonReload", "b", unit_object_get_need_reload, 0, 0),
	SD_BUS_PROPERTY("ConditionResult", "b", unit_object_get_bool, offsetof(struct unit, condition_result),
			UNIT_CHANGES),
	SD_BUS_PROPERTY("AssertResult", "b", unit_object_get_bool, offsetof(struct unit, assert_result),
			UNIT_CHANGES),
	UNIT_TIME("Condition", condition),
	UNIT_TIME("Assert", condition),
	SD_BUS_PROPERTY("Conditions", "a(sbbsi)", unit_object_get_conditions, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
	SD_BUS_PROPERTY("Asserts", "a(sbbsi)", unit_object_get_conditions, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
	SD_BUS_PROPERTY("LoadError", "(ss)", unit_object_get_load_error, 0, UNIT_CONST),
	SD_BUS_PROPERTY("Transient", "b", unit_object_get_false, 0, UNIT_CONST),
	SD_BUS_PROPERTY("Perpetual", "b", unit_object_get_false, 0, UNIT_CONST),
	SD_BUS_PROPERTY("InvocationID", "ay", unit_object_get_invocation_id,
			offsetof(struct unit, invocation_id), UNIT_CHANGES),
	SD_BUS_VTABLE_END,
};

/* A target is nothing but its dependencies. */
const sd_bus_vtable target_object_vtable[] = {SD_BUS_VTABLE_START(0), SD_BUS_VTABLE_END};

int unit_object_build(struct bus *bus)
{
	static const char *const sections[] = {"Unit", NULL};

	return vtable_make(
		&(struct vtable_request){
			.template = unit_object_vtable,
			.sections = sections,
			.get = unit_object_get_directive,
			.get_second = unit_object_get_second,
			.rows = &bus->unit_rows,
			.made_names = &bus->made_names,
		},
		&bus->unit_vtable);
}
