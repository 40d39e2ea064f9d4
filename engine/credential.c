/* See credential.h. Where each credential comes from is decided when the program is compiled; it is read when the program runs.
 *
 * Of two with one name the first counts, in the order of systemd: what is loaded, what is imported, what is set. A credential that is to be
 * taken from a store may be missing, one named by its path may not, unless a value is set for it too. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/credential.h"
#include "engine/identity.h"
#include "engine/isolation.h"

enum { CREDENTIAL_DEPTH = 8, CREDENTIAL_ENVIRONMENT_MAX = 128 << 10 };

/* --- what there is ----------------------------------------------------------------------------------- */

bool credential_any(const struct spec *spec)
{
	for (size_t kind = 0; kind < SPEC_CREDENTIAL_MAX_; kind++)
		if (spec->credentials[kind])
			return true;
	return false;
}

bool credential_needs_mounts(const struct spec *spec, const struct compile_context *context)
{
	return spec->secrets || (credential_any(spec) && !context->credentials_on_disk);
}

bool credential_varies(const struct spec *spec)
{
	return spec->secrets || spec->credentials[SPEC_CREDENTIAL_LOAD] ||
	       spec->credentials[SPEC_CREDENTIAL_LOAD_ENCRYPTED] || spec->credentials[SPEC_CREDENTIAL_IMPORT];
}

/* A collection in progress. */
struct credential_files {
	struct build *build;
	uint8_t slot;
	uint64_t owner;
	uint32_t mode;
	char **names; /* of the files so far */
};

static int credential_fail_memory(struct build *build)
{
	return build_fail(build, -ENOMEM, "the credentials could not be put together");
}

/* Whether NAME is to be made: not when there is one already. */
static int credential_claim(struct credential_files *files, const char *name)
{
	if (text_list_contains(files->names, name))
		return 0;
	if (text_list_length(files->names) >= CREDENTIAL_MAX)
		return build_fail(files->build, -E2BIG, "there are more than %d credentials", CREDENTIAL_MAX);
	return text_list_append(&files->names, name) < 0 ? credential_fail_memory(files->build) : 1;
}

static void credential_add_op(struct credential_files *files, const char *name, uint32_t flags,
			      uint32_t text2, size_t size)
{
	uint32_t text = build_text(files->build, name);
	struct program_op *op = build_op(files->build, PROGRAM_FILE);

	op->slot = files->slot;
	op->text = text;
	op->text2 = text2;
	op->number = size;
	op->number2 = files->owner;
	op->flags = files->mode | flags;
}

static int credential_check_tool(struct build *build, uint32_t flags)
{
	if (!(flags & PROGRAM_FILE_SEALED) || access(PROGRAM_UNSEAL_TOOL, X_OK) == 0)
		return 0;
	return build_fail(build, -EOPNOTSUPP,
			  PROGRAM_UNSEAL_TOOL ", which opens sealed credentials, cannot be executed");
}

static int credential_add_data(struct credential_files *files, const char *name, uint32_t flags,
			       const char *data, size_t size)
{
	int r = credential_claim(files, name);

	if (r <= 0)
		return r;
	if (size > PROGRAM_FILES_MAX)
		return build_fail(files->build, -EFBIG, "the credential is larger than 1 MiB");
	r = credential_check_tool(files->build, flags);
	if (r == 0)
		credential_add_op(files, name, flags, build_bytes(files->build, data, size, 1), size);
	return r;
}

/* The path, and behind it whom a socket's peer is told to be asked by. */
static uint32_t credential_path(struct build *build, const char *path, const char *name)
{
	const char *unit = build->context->credentials_directory; /* ends with the unit's name */
	_cleanup_free_ char *whom =
		text_format("/unit/%s/%s", unit ? strrchr(unit, '/') + 1 : build->context->name, name);
	size_t length = strlen(path) + 1, size = length + (whom ? strlen(whom) + 1 : 0);
	_cleanup_free_ char *both = malloc(size);

	if (!whom || !both) {
		build->failed = true;
		return 0;
	}
	memcpy(both, path, length);
	memcpy(both + length, whom, size - length);
	return build_bytes(build, both, size, 1);
}

static int credential_add_tree(struct credential_files *files, const char *name, uint32_t flags,
			       const char *path, int depth);

/* A file, a socket, or a directory of them. -ENOENT without a failure's text. */
static int credential_add_path(struct credential_files *files, const char *name, uint32_t flags,
			       const char *path, int depth)
{
	struct build *build = files->build;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? -ENOENT : build_fail(build, -errno, "credential %s", path);
	if (S_ISDIR(st.st_mode))
		return credential_add_tree(files, name, flags, path, depth);
	if (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode) && !S_ISCHR(st.st_mode))
		return build_fail(build, -EINVAL, "credential %s is no file, socket or directory", path);
	if (S_ISREG(st.st_mode) && st.st_size > PROGRAM_FILES_MAX)
		return build_fail(build, -EFBIG, "credential %s is larger than 1 MiB", path);
	if (!credential_name_valid(name))
		return build_fail(build, -EINVAL, "%s has no name that a credential can have", path);
	r = credential_claim(files, name);
	if (r <= 0)
		return r;
	r = credential_check_tool(build, flags);
	if (r < 0)
		return r;
	credential_add_op(files, name,
			  flags | (S_ISSOCK(st.st_mode) ? PROGRAM_FILE_SOCKET : PROGRAM_FILE_PATH),
			  credential_path(build, path, name), 0);
	return 0;
}

static int credential_compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted, so that which of two counts does not depend on the file system. */
static int credential_list(const char *path, char ***ret)
{
	_cleanup_text_list_ char **names = NULL;
	DIR *directory = opendir(path);
	struct dirent *entry;
	int r = directory ? 0 : -errno;

	while (r == 0 && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = text_list_length(names) >= CREDENTIAL_MAX
				    ? -E2BIG
				    : text_list_append(&names, entry->d_name);
	if (directory)
		closedir(directory);
	if (r < 0)
		return r;
	if (names)
		qsort(names, text_list_length(names), sizeof *names, credential_compare_names);
	*ret = TAKE(names);
	return 0;
}

static int credential_add_tree(struct credential_files *files, const char *name, uint32_t flags,
			       const char *path, int depth)
{
	_cleanup_text_list_ char **names = NULL;
	int r = depth >= CREDENTIAL_DEPTH ? -ELOOP : credential_list(path, &names);

	if (r < 0)
		return build_fail(files->build, r, "credential directory %s", path);
	TEXT_LIST_FOREACH (item, names) {
		_cleanup_free_ char *inner = text_format("%s_%s", name, *item),
				    *inner_path = text_format("%s/%s", path, *item);

		if (!inner || !inner_path)
			return credential_fail_memory(files->build);
		r = credential_add_path(files, inner, flags, inner_path, depth + 1);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/* --- one directive after the other ------------------------------------------------------------------- */

static bool credential_is_set(const struct spec *spec, const char *name)
{
	size_t length = strlen(name);

	for (int kind = SPEC_CREDENTIAL_SET; kind <= SPEC_CREDENTIAL_SET_ENCRYPTED; kind++)
		TEXT_LIST_FOREACH (entry, spec->credentials[kind])
			if (strncmp(*entry, name, length) == 0 && (*entry)[length] == ':')
				return true;
	return false;
}

/* SOURCE, a plain name, in the stores. */
static int credential_load_stored(struct credential_files *files, const char *name, uint32_t flags,
				  const char *source)
{
	const struct compile_context *context = files->build->context;
	char *const *lists[] = {flags & PROGRAM_FILE_SEALED ? context->sealed_credential_stores : NULL,
				context->credential_stores};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (char *const *store = lists[i]; store && *store; store++) {
			_cleanup_free_ char *path = text_format("%s/%s", *store, source);
			int r = path ? credential_add_path(files, name, flags, path, 0)
				     : credential_fail_memory(files->build);

			if (r != -ENOENT)
				return r;
		}
	return 0;
}

static int credential_load(struct credential_files *files, const char *entry, uint32_t flags)
{
	_cleanup_free_ char *name = strndup(entry, strcspn(entry, ":"));
	const char *source = strchr(entry, ':') ? strchr(entry, ':') + 1 : entry;
	int r;

	if (!name)
		return credential_fail_memory(files->build);
	if (*source != '/')
		return credential_load_stored(files, name, flags, source);
	r = credential_add_path(files, name, flags, source, 0);
	if (r != -ENOENT || credential_is_set(files->build->spec, name))
		return r == -ENOENT ? 0 : r;
	return build_fail(files->build, r, "credential %s", source);
}

static int credential_import_store(struct credential_files *files, const char *store, const char *pattern,
				   const char *rename, uint32_t flags)
{
	_cleanup_text_list_ char **names = NULL;
	size_t length = strcspn(pattern, "*");
	bool all = pattern[length] == '*';
	int r = credential_list(store, &names);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR
			       ? 0
			       : build_fail(files->build, r, "credential store %s", store);
	TEXT_LIST_FOREACH (item, names) {
		_cleanup_free_ char *name = NULL, *path = NULL;

		if (all ? strncmp(*item, pattern, length) != 0 : strcmp(*item, pattern) != 0)
			continue;
		name = !rename ? strdup(*item) : text_format("%s%s", rename, *item + length);
		path = text_format("%s/%s", store, *item);
		if (!name || !path)
			return credential_fail_memory(files->build);
		r = credential_name_valid(name) ? credential_add_path(files, name, flags, path, 0) : 0;
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int credential_import(struct credential_files *files, const char *entry)
{
	const struct compile_context *context = files->build->context;
	_cleanup_free_ char *pattern = strndup(entry, strcspn(entry, ":"));
	const char *rename = strchr(entry, ':') ? strchr(entry, ':') + 1 : NULL;
	int r = pattern ? 0 : credential_fail_memory(files->build);

	for (char *const *store = context->credential_stores; store && *store && r == 0; store++)
		r = credential_import_store(files, *store, pattern, rename, 0);
	for (char *const *store = context->sealed_credential_stores; store && *store && r == 0; store++)
		r = credential_import_store(files, *store, pattern, rename, PROGRAM_FILE_SEALED);
	return r;
}

static int credential_set(struct credential_files *files, const char *entry, bool sealed)
{
	_cleanup_free_ char *name = strndup(entry, strcspn(entry, ":")), *data = NULL;
	const char *value = strchr(entry, ':') + 1;
	size_t size;
	int r;

	if (!name)
		return credential_fail_memory(files->build);
	if (sealed) /* the tool takes it as it is */
		return credential_add_data(files, name, PROGRAM_FILE_SEALED, value, strlen(value));
	r = credential_unescape(value, &data, &size);
	if (r < 0)
		return build_fail(files->build, r, "the value could not be read");
	return credential_add_data(files, name, 0, data, size);
}

static int credential_gather_kind(struct credential_files *files, enum spec_credential kind)
{
	char **entries = files->build->spec->credentials[kind];
	int r = 0;

	for (size_t i = 0; entries && entries[i] && r == 0; i++) {
		build_origin(files->build,
			     (uint32_t)(offsetof(struct spec, credentials) + kind * sizeof(char **)), i);
		if (kind == SPEC_CREDENTIAL_LOAD || kind == SPEC_CREDENTIAL_LOAD_ENCRYPTED)
			r = credential_load(files, entries[i],
					    kind == SPEC_CREDENTIAL_LOAD_ENCRYPTED ? PROGRAM_FILE_SEALED : 0);
		else if (kind == SPEC_CREDENTIAL_IMPORT)
			r = credential_import(files, entries[i]);
		else
			r = credential_set(files, entries[i], kind == SPEC_CREDENTIAL_SET_ENCRYPTED);
	}
	return r;
}

/* What all of them need, their place, was asked for by the first. */
static void credential_origin(struct build *build)
{
	enum spec_credential kind = 0;

	while (kind + 1 < SPEC_CREDENTIAL_MAX_ && !build->spec->credentials[kind])
		kind++;
	build_origin(build, (uint32_t)(offsetof(struct spec, credentials) + kind * sizeof(char **)), 0);
}

/* --- the program ------------------------------------------------------------------------------------- */

static uint64_t credential_owner(const struct build *build, uint32_t uid, uint32_t gid)
{
	return isolation_outside_uid(build, uid) | (uint64_t)isolation_outside_gid(build, gid) << 32;
}

static int credential_begin(struct build *build, const char *directory, uint8_t *ret_slot)
{
	uint32_t text = build_text(build, directory);
	struct program_op *op;

	*ret_slot = build_slot_take(build);
	if (*ret_slot == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "too many slots are in use");
	op = build_op(build, PROGRAM_FILES_BEGIN);
	op->text = text;
	op->slot2 = *ret_slot;
	return 0;
}

static void credential_end(struct build *build, uint8_t slot, uint32_t flags, uint64_t owner)
{
	struct program_op *op = build_op(build, PROGRAM_FILES_END);

	op->slot = slot;
	op->flags = flags;
	op->number2 = owner;
}

/* Without privilege the service's user is the manager's, whatever it is. */
static uint64_t credential_user(const struct build *build)
{
	if (build->context->credentials_on_disk)
		return geteuid() | (uint64_t)getegid() << 32;
	return credential_owner(build, build->identity->uid, build->identity->gid);
}

static int credential_emit_credentials(struct build *build)
{
	struct credential_files files = {.build = build, .owner = credential_user(build), .mode = 0400};
	bool on_disk = build->context->credentials_on_disk;
	int r = 0;

	if (!build->context->credentials_directory)
		return build_fail(build, -EOPNOTSUPP, "there is no place for credentials here");
	r = credential_begin(build, on_disk ? build->context->credentials_directory : "", &files.slot);
	for (enum spec_credential kind = 0; kind < SPEC_CREDENTIAL_MAX_ && r == 0; kind++)
		r = credential_gather_kind(&files, kind);
	text_list_free(files.names);
	if (r == 0)
		credential_end(build, files.slot, 0500 | (on_disk ? PROGRAM_FILE_PATH : 0), files.owner);
	build->credentials_slot = files.slot;
	return r;
}

/* Where the content of a secret is: the directory of secrets, or a store. */
static int credential_find_secret(struct build *build, const char *name, char **ret)
{
	_cleanup_free_ char *path = build->context->secret_directory
					    ? text_format("%s/%s", build->context->secret_directory, name)
					    : NULL;
	struct stat st;

	for (char *const *store = build->context->credential_stores; !path || stat(path, &st) < 0; store++) {
		if (!store || !*store)
			return build_fail(build, -ENOENT,
					  "there is no secret \"%s\" in %s nor in a credential store", name,
					  build->context->secret_directory ?: "the state directory");
		free(path);
		path = text_format("%s/%s", *store, name);
		if (!path)
			return credential_fail_memory(build);
	}
	if (!S_ISREG(st.st_mode))
		return build_fail(build, -EINVAL, "secret %s is no file", path);
	*ret = TAKE(path);
	return 0;
}

static int credential_emit_secret(struct credential_files *files, const char *text)
{
	_cleanup_(credential_secret_deinit) struct credential_secret secret = {};
	struct build *build = files->build;
	_cleanup_free_ char *path = NULL;
	const char *slash;
	int r = credential_read_secret(text, &secret, build->failure);

	if (r < 0 || secret.environment)
		return r;
	r = credential_find_secret(build, secret.name, &path);
	if (r < 0)
		return r;
	if (isolation_outside_uid(build, secret.uid) == UINT32_MAX ||
	    isolation_outside_gid(build, secret.gid) == UINT32_MAX)
		return build_fail(build, -EINVAL, "user %u, group %u is not in the user namespace's map",
				  secret.uid, secret.gid);
	files->owner = credential_owner(build, secret.uid, secret.gid);
	files->mode = secret.mode;
	slash = strrchr(secret.target, '/');
	return credential_add_path(files, slash ? slash + 1 : secret.target, 0, path, 0);
}

static int credential_emit_secrets(struct build *build)
{
	struct credential_files files = {.build = build};
	int r = credential_begin(build, "", &files.slot);

	for (size_t i = 0; i < text_list_length(build->spec->secrets) && r == 0; i++) {
		BUILD_ORIGIN_ITEM(build, secrets, i);
		r = credential_emit_secret(&files, build->spec->secrets[i]);
	}
	text_list_free(files.names);
	if (r < 0)
		return r;
	BUILD_ORIGIN(build, secrets);
	credential_end(build, files.slot, 0755, build->owner);
	build->secrets_slot = files.slot;
	return 0;
}

int credential_emit(struct build *build)
{
	int r = 0;

	credential_origin(build);
	if (credential_any(build->spec))
		r = credential_emit_credentials(build);
	if (r < 0 || !build->spec->secrets)
		return r;
	BUILD_ORIGIN(build, secrets);
	return credential_emit_secrets(build);
}

/* --- mounts ------------------------------------------------------------------------------------------ */

/* A secret whose target is a path: /run/secrets has it too, under its last name. */
static int credential_collect_secret(struct mountplan *plan, struct build *build, const char *text,
				     char ***kept)
{
	_cleanup_(credential_secret_deinit) struct credential_secret secret = {};
	struct mountplan_entry *mount;
	char *source, *target;
	int r = credential_read_secret(text, &secret, build->failure), s;

	if (r < 0 || secret.environment || *secret.target != '/' ||
	    text_starts_with(secret.target, CREDENTIAL_SECRETS "/"))
		return r;
	source = text_format(CREDENTIAL_SECRETS "%s", strrchr(secret.target, '/'));
	target = TAKE(secret.target);
	r = text_list_take(kept, source);
	s = text_list_take(kept, target);
	if (r < 0 || s < 0)
		return credential_fail_memory(build);
	mount = mountplan_add(plan, build, MOUNTPLAN_INNER, target);
	mount->source = source;
	mount->is_directory = false;
	mount->flags = PROGRAM_MOUNT_READ_ONLY;
	return 0;
}

int credential_collect(struct mountplan *plan, struct build *build, char ***kept)
{
	const char *directory = build->context->credentials_directory;
	char *parent;
	int r = 0;

	if (credential_any(build->spec) && !build->context->credentials_on_disk) {
		credential_origin(build);
		parent = strndup(directory, (size_t)(strrchr(directory, '/') - directory));
		if (text_list_take(kept, parent) < 0)
			return credential_fail_memory(build);
		mountplan_add(plan, build, MOUNTPLAN_TMPFS, parent)->options = "mode=0755,size=64k";
		mountplan_add(plan, build, MOUNTPLAN_TREE, directory)->slot = build->credentials_slot;
		mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, parent);
	}
	if (!build->spec->secrets)
		return 0;
	BUILD_ORIGIN(build, secrets);
	mountplan_add(plan, build, MOUNTPLAN_TREE, CREDENTIAL_SECRETS)->slot = build->secrets_slot;
	for (size_t i = 0; i < text_list_length(build->spec->secrets) && r == 0; i++) {
		BUILD_ORIGIN_ITEM(build, secrets, i);
		r = credential_collect_secret(plan, build, build->spec->secrets[i], kept);
	}
	return r;
}

/* --- environment ------------------------------------------------------------------------------------- */

int credential_export(struct build *build, int (*set)(char ***list, const char *name, const char *value),
		      char ***list)
{
	if (!credential_any(build->spec) || build->command->full_privileges ||
	    !build->context->credentials_directory)
		return 0;
	return set(list, "CREDENTIALS_DIRECTORY", build->context->credentials_directory);
}

int credential_export_secrets(struct build *build, char ***secrets)
{
	for (size_t i = 0; i < text_list_length(build->spec->secrets); i++) {
		_cleanup_(credential_secret_deinit) struct credential_secret secret = {};
		_cleanup_free_ char *path = NULL, *content = NULL;
		ssize_t n;
		int r;

		BUILD_ORIGIN_ITEM(build, secrets, i);
		r = credential_read_secret(build->spec->secrets[i], &secret, build->failure);
		if (r == 0 && secret.environment)
			r = credential_find_secret(build, secret.name, &path);
		if (r < 0)
			return r;
		if (!secret.environment)
			continue;
		n = fd_read_file_at(AT_FDCWD, path, CREDENTIAL_ENVIRONMENT_MAX, &content);
		if (n < 0)
			return build_fail(build, (int)n, "secret %s cannot be read", path);
		if (strlen(content) != (size_t)n)
			return build_fail(build, -EINVAL, "secret %s holds a NUL: it cannot be a variable",
					  path);
		if (text_list_take(secrets, text_format("%s=%s", secret.target, content)) < 0)
			return credential_fail_memory(build);
		explicit_bzero(content, (size_t)n);
	}
	return 0;
}
