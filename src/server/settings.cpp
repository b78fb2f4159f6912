#include "base/options.h"
#include "server/access.h"

namespace tradewind::server {

void AccessOptions::fields(Options& options) {
  options.secret(
      "server.keys", keys,
      "Who may ask what: a line each, NAME RIGHTS KEY; rights are write (events), read, read+write "
      "and all. Without keys whoever reaches the server may do all.");
  options.boolean("server.open", open,
                  "Without keys, answer also on addresses that others reach; else such a start is refused.");
  options.boolean("server.open_metrics", open_metrics, "/metrics asks for no key.");
  options.text("server.cors_origins", cors_origins,
               "Origins whose pages may send events and read, such as https://shop.example, with commas "
               "between; * is any, none is none.");
}

}  // namespace tradewind::server
