#pragma once
// OpenedRegistry: the schema registry that the settings name: the platform's own, in its log, or one
// elsewhere.
//
// Threads: one opens it; the registries are shared freely.

#include <memory>

#include "log/open.h"
#include "schema/local_registry.h"
#include "schema/remote_registry.h"

namespace tradewind::cli {

struct OpenedRegistry {
  std::unique_ptr<schema::LocalRegistry> own;  // one of the two
  std::unique_ptr<schema::RemoteRegistry> remote;

  schema::Registry& operator*() const;
  // What registering it would do.
  Result<schema::Outlook> outlook(const std::string& subject, const std::string& text) const;
};

// invalid: a setting, or the log has been written with the ids of another registry. The log and the clock
// must outlive it. A registry elsewhere is not asked yet.
Result<OpenedRegistry> open_registry(log::WatchedLog& log, bool embedded,
                                     const schema::RemoteRegistryOptions& options, Clock& clock);

// What variables say (TW_REGISTRY_URL and the like), for verbs that read no other settings.
Result<schema::RemoteRegistryOptions> registry_in_environment();

}  // namespace tradewind::cli
