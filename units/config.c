/* A unit's config as an object: its defaults, its release, and where its settings came from. See config.h.
 *
 * The defaults are parsed once into a prototype that holds no heap pointer; a new config is a copy of it. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "units/load.h"
#include "units/value.h"

const char *const unit_dependency_names[UNIT_DEPENDENCY_MAX_] = {
	[UNIT_REQUIRES] = "Requires",
	[UNIT_REQUISITE] = "Requisite",
	[UNIT_WANTS] = "Wants",
	[UNIT_BINDS_TO] = "BindsTo",
	[UNIT_PART_OF] = "PartOf",
	[UNIT_UPHOLDS] = "Upholds",
	[UNIT_CONFLICTS] = "Conflicts",
	[UNIT_BEFORE] = "Before",
	[UNIT_AFTER] = "After",
	[UNIT_ON_FAILURE] = "OnFailure",
	[UNIT_ON_SUCCESS] = "OnSuccess",
	[UNIT_PROPAGATES_RELOAD_TO] = "PropagatesReloadTo",
	[UNIT_PROPAGATES_STOP_TO] = "PropagatesStopTo",
	[UNIT_JOINS_NAMESPACE_OF] = "JoinsNamespaceOf",
};

const char *const unit_load_state_names[UNIT_LOAD_STATE_MAX_] = {
	[UNIT_LOADED] = "loaded", [UNIT_NOT_FOUND] = "not-found", [UNIT_BAD_SETTING] = "bad-setting",
	[UNIT_ERROR] = "error",	  [UNIT_MASKED] = "masked",
};

const struct unit_config *unit_config_prototype(void)
{
	static struct unit_config prototype;
	static bool made;

	if (made)
		return &prototype;
	spec_init(&prototype.spec);
	for (size_t i = 0; i < directive_count; i++) {
		struct directive_line line = {
			.directive = &directive_table[i],
			.value = directive_table[i].default_text,
			.config = &prototype,
		};

		/* A default that does not parse is a bug in the table; a test reads them all. */
		if (line.value && !line.directive->group)
			value_parse(&line, (char *)&prototype + line.directive->offset, NULL);
	}
	made = true;
	return &prototype;
}

struct unit_config *unit_config_new(const char *name, enum unit_kind kind)
{
	struct unit_config *config = malloc(sizeof *config);

	if (!config)
		return NULL;
	*config = *unit_config_prototype();
	config->kind = kind;
	config->name = strdup(name);
	config->slice = kind == UNIT_SLICE ? unit_name_parent_slice(name) : strdup("system.slice");
	if (!config->name || (!config->slice && strcmp(name, "-.slice") != 0))
		return unit_config_free(config);
	return config;
}

static void config_free_commands(struct exec_commands *commands)
{
	for (size_t i = 0; i < commands->n; i++) {
		free(commands->items[i].path);
		text_list_free(commands->items[i].argv);
	}
	free(commands->items);
}

const struct unit_log unit_log_default = {
	.facility = LOG_FAC(LOG_DAEMON),
	.level = LOG_INFO,
	.level_prefix = true,
	.level_max = -1,
};

static void config_free_log(struct unit_log *log)
{
	if (!log)
		return;
	text_list_free(log->fields);
	text_list_free(log->patterns);
	free(log->identifier);
	free(log->path);
	free(log);
}

struct unit_config *unit_config_hold(const struct unit_config *config)
{
	struct unit_config *held = (struct unit_config *)config; /* the count is nothing that it says */

	held->held++;
	return held;
}

struct unit_config *unit_config_free(struct unit_config *config)
{
	if (!config)
		return NULL;
	if (config->held > 0) {
		config->held--;
		return NULL;
	}
	failure_keep(&config->load_failure, NULL);
	config_free_log(config->log);
	text_list_free(config->files);
	text_list_free(config->warnings);
	text_list_free(config->documentation);
	for (int i = 0; i < UNIT_DEPENDENCY_MAX_; i++)
		text_list_free(config->dependencies[i]);
	for (size_t i = 0; i < config->n_conditions; i++)
		free(config->conditions[i].parameter);
	text_list_free(config->wanted_by);
	text_list_free(config->required_by);
	text_list_free(config->also);
	text_list_free(config->alias);
	for (int i = 0; i < SERVICE_COMMAND_MAX_; i++)
		config_free_commands(&config->commands[i]);
	text_list_free(config->container.exec);
	text_list_free(config->container.entrypoint);
	free(config->container_name);
	spec_deinit(&config->spec);
	free(config->default_instance);
	free(config->conditions);
	free(config->description);
	free(config->pid_file);
	free(config->origins);
	free(config->slice);
	free(config->name);
	free(config);
	return NULL;
}

/* The origin of FIELD's ITEM; of the field's last item when that one is not known. */
static const struct config_origin *config_find_origin(const struct unit_config *config, size_t field,
						      unsigned item)
{
	const struct config_origin *found = NULL;

	for (size_t i = 0; i < config->n_origins; i++)
		if (directive_key(&directive_table[config->origins[i].directive]) == field) {
			found = &config->origins[i];
			if (found->item == item &&
			    value_count(&directive_table[found->directive],
					directive_field(&directive_table[found->directive], config)) > 0)
				break;
		}
	return found;
}

bool unit_config_origin(const struct unit_config *config, uint32_t origin, unsigned item, char *where,
			size_t size, const char **ret_directive)
{
	size_t field = offsetof(struct unit_config, spec) + origin;
	const struct config_origin *found = config_find_origin(config, field, item);

	/* What the container's capabilities were made of. */
	if (!found && field == offsetof(struct unit_config, spec.capability_bounding_set))
		found = config_find_origin(config, offsetof(struct unit_config, container.drop_capabilities),
					   0);
	if (!found && (field == offsetof(struct unit_config, spec.capability_bounding_set) ||
		       field == offsetof(struct unit_config, spec.ambient_capabilities)))
		found = config_find_origin(config, offsetof(struct unit_config, container.add_capabilities),
					   0);
	/* Ulimit= is one row for all of them. */
	if (!found && (origin & 0xffff) == offsetof(struct spec, rlimits))
		found = config_find_origin(config, offsetof(struct unit_config, spec) + SPEC_RLIMIT_ORIGIN(0),
					   0);
	if (!found)
		return false;
	snprintf(where, size, "%s:%u", config->files[found->file], found->line);
	if (ret_directive)
		*ret_directive = directive_table[found->directive].name;
	return true;
}
