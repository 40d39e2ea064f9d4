/* See verify.h. A file is right when it loads strictly and every command line compiles: users exist, system
 * calls have names, limits make sense. Whether a controller or a volume is there is only known where it
 * starts. */
#include <stdio.h>
#include <string.h>

#include "engine/compile.h"
#include "svcd/verify.h"
#include "units/load.h"

static void verify_print(const struct failure *failure)
{
	char text[1024];

	fprintf(stderr, "%s\n", failure_print(failure, text, sizeof text));
}

/* Names the line that asked for what does not compile. */
static void verify_blame(const struct unit_config *config, const char *file, uint32_t origin, unsigned item,
			 struct failure *failure)
{
	char where[sizeof failure->where];
	const char *directive;

	if (origin != PROGRAM_NO_ORIGIN &&
	    unit_config_origin(config, origin, item, where, sizeof where, &directive)) {
		char text[sizeof failure->text];

		snprintf(text, sizeof text, "%s=: %.400s", directive, failure->text);
		memcpy(failure->text, text, sizeof text);
		memcpy(failure->where, where, sizeof where);
	} else
		failure_add_where(failure, file);
	verify_print(failure);
}

/* Where a manager without options has them. */
static const char *const verify_directories[SPEC_DIRECTORY_MAX_] = {
	[SPEC_DIRECTORY_RUNTIME] = "/run",	 [SPEC_DIRECTORY_STATE] = "/var/lib",
	[SPEC_DIRECTORY_CACHE] = "/var/cache",	 [SPEC_DIRECTORY_LOGS] = "/var/log",
	[SPEC_DIRECTORY_CONFIGURATION] = "/etc",
};

static int verify_command(const struct unit_config *config, const char *file, const struct exec_command *line)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	struct compile_command command = {.path = line->path,
					  .argv = line->argv,
					  .full_privileges = line->full_privileges,
					  .no_setuid = line->no_setuid,
					  .expand = !line->no_environment};
	struct compile_context context = {.name = config->name,
					  .state_directory = "/var/lib/svcd",
					  .auto_range = 524288, /* any will do: it is not used */
					  .dynamic_uid = config->spec.dynamic_user ? 61184 : 0,
					  .dynamic_passwd = "/dev/null",
					  .dynamic_group = "/dev/null",
					  .directories = verify_directories,
					  .credentials_directory = "/run/svcd/credentials/unit",
					  .join_pidfd = -1};
	struct failure failure = {};
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	int r = compile(&config->spec, &command, &context, &program, &failure, &origin, &item);

	if (r < 0)
		verify_blame(config, file, origin, item, &failure);
	return r;
}

/* What is mounted or read from the machine may come into being later, or elsewhere. */
static void verify_expect_sources(struct spec *spec)
{
	struct spec_mounts *const mounts[] = {&spec->volumes, &spec->bind_paths, &spec->bind_read_only_paths};

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		for (size_t j = 0; j < mounts[i]->n; j++)
			mounts[i]->items[j].ignore_missing = true;
	for (size_t i = 0; i < spec->n_environment_files; i++)
		spec->environment_files[i].ignore_missing = true;
	for (size_t i = 0; i < SPEC_CREDENTIAL_MAX_; i++)
		if (i != SPEC_CREDENTIAL_SET)
			spec->credentials[i] = text_list_free(spec->credentials[i]);
	spec->secrets = text_list_free(spec->secrets);
}

static int verify_file(const char *file)
{
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	struct unit_specifiers specifiers = {.credentials_directory = "/run/svcd/credentials"};
	int r = unit_load_file(&specifiers, file, &config);

	if (r < 0) {
		struct failure failure = {};

		failure_set(&failure, r, file, "cannot load");
		verify_print(&failure);
		return r;
	}
	TEXT_LIST_FOREACH (warning, config->warnings)
		fprintf(stderr, "%s\n", *warning);
	if (config->load_state != UNIT_LOADED) {
		verify_print(failure_kept(config->load_failure));
		return -EINVAL;
	}
	verify_expect_sources(&config->spec);
	for (int i = 0; i < SERVICE_COMMAND_MAX_; i++)
		for (size_t j = 0; j < config->commands[i].n && r == 0; j++)
			r = verify_command(config, file, &config->commands[i].items[j]);
	return r;
}

int verify_files(char **files)
{
	int status = EXIT_SUCCESS;

	if (!files[0]) {
		fprintf(stderr, "svcd: --verify needs unit files\n");
		return EXIT_FAILURE;
	}
	for (; *files; files++)
		if (verify_file(*files) < 0)
			status = EXIT_FAILURE;
	return status;
}
