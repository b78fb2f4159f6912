#pragma once
// Identity: how a client of librdkafka shows who we are, and how it tells brokers from strangers.
//
// Threads: plain functions. Errors: invalid with the setting to change.

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "log/open.h"

struct rd_kafka_s;

namespace tradewind::log::kafka {

using Properties = std::vector<std::pair<std::string, std::string>>;

// librdkafka's properties for it. invalid: a file that is named cannot be read.
Result<Properties> identity_properties(const KafkaSecurity& security);

// librdkafka does not take one of them: `property` as far as it tells.
Error refused_property(const KafkaSecurity& security, const std::string& why);

// Gives a good token to a client that shows one. REQUIRES options.tokens.
Result<> give_token(rd_kafka_s* client, const KafkaOptions& options);

// The hosts a certificate (DER) is for: "a.example, *.b.example". Empty: it cannot be read.
std::string certificate_names(BytesView der);

}  // namespace tradewind::log::kafka
