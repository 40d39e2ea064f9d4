/* Where credentials and secrets are looked for, and where a service finds its own. See engine/credential.h: the launched
 * process makes them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/credential.h"
#include "manager/host-private.h"

/* Whether what we launch can have mounts of its own: with CAP_SYS_ADMIN. */
static bool host_credential_may_mount(void)
{
	_cleanup_free_ char *status = NULL;
	const char *line;

	if (fd_read_file_at(AT_FDCWD, "/proc/self/status", 65536, &status) < 0 ||
	    !(line = strstr(status, "\nCapEff:")))
		return geteuid() == 0;
	return strtoull(line + strlen("\nCapEff:"), NULL, 16) >> CAP_SYS_ADMIN & 1;
}

static int host_credential_add_store(struct host *host, const char *directory)
{
	int r = text_list_take(&host->credential_stores, text_format("%s/credstore", directory));

	return r < 0 ? r
		     : text_list_take(&host->sealed_credential_stores,
				      text_format("%s/credstore.encrypted", directory));
}

int host_credential_init(struct host *host)
{
	const char *const directories[] = {host->directories[SPEC_DIRECTORY_CONFIGURATION],
					   host->directories[SPEC_DIRECTORY_RUNTIME], "/usr/local/lib",
					   "/usr/lib"};
	const char *received = getenv("CREDENTIALS_DIRECTORY");
	int r = 0;

	host->may_mount = host_credential_may_mount();
	host->credentials_directory = text_format("%s/credentials", host->runtime_directory);
	host->secret_directory = text_format("%s/secrets", host->state_directory);
	if (!host->credentials_directory || !host->secret_directory)
		return -ENOMEM;
	host->specifiers.credentials_directory = host->credentials_directory;
	if (received && *received == '/')
		r = text_list_append(&host->credential_stores, received);
	for (size_t i = 0; i < ARRAY_SIZE(directories) && r == 0; i++)
		r = host_credential_add_store(host, directories[i]);
	return r;
}

int host_credential_prepare(const struct host *host, const char *unit, const struct spec *spec,
			    struct compile_context *context, char ***kept)
{
	char *directory;

	context->secret_directory = host->secret_directory;
	context->credential_stores = host->credential_stores;
	context->sealed_credential_stores = host->sealed_credential_stores;
	context->credentials_on_disk = !host->may_mount;
	if (!credential_any(spec))
		return 0;
	directory = text_format("%s/%s", host->credentials_directory, unit);
	context->credentials_directory = directory;
	return text_list_take(kept, directory);
}

void host_credential_release(struct host *host, const char *unit, const struct unit_config *config)
{
	_cleanup_fd_ int parent = -1;

	if (host->may_mount || !credential_any(&config->spec))
		return;
	parent = open(host->credentials_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0)
		host_removal_add(host, parent, unit, parent, host->credentials_directory, NULL);
}

void host_credential_free(struct host *host)
{
	free(host->credentials_directory);
	free(host->secret_directory);
	text_list_free(host->credential_stores);
	text_list_free(host->sealed_credential_stores);
}
