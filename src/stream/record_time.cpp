#include "stream/record_time.h"

#include "data/batch.h"
#include "expr/evaluate.h"
#include "expr/function.h"

namespace tradewind::stream {

Result<RecordTime> RecordTime::make(const Type& type, const std::string& format) {
  RecordTime made;
  if (type.kind() != Kind::string) {
    if (type.kind() != Kind::bigint && type.kind() != Kind::timestamp)
      return Error{Code::invalid, "TIMESTAMP needs a BIGINT, TIMESTAMP or STRING column, not " + type.text()};
    if (!format.empty())
      return Error{Code::invalid, "TIMESTAMP_FORMAT is for a STRING column, not " + type.text()};
    return made;
  }
  if (format.empty())
    return Error{Code::invalid,
                 "a STRING as TIMESTAMP needs a TIMESTAMP_FORMAT such as 'yyyy-MM-dd HH:mm:ss'"};
  made.parse_ = TRY(expr::call("PARSE_TIMESTAMP",
                               {expr::column(0, Kind::string), expr::constant(Kind::string, Value(format))}));
  return made;
}

std::vector<std::optional<int64_t>> RecordTime::read(const ColumnPtr& column) const {
  ColumnPtr times = column;
  if (parse_ != nullptr) {
    const auto schema = std::make_shared<const Schema>(std::vector<Field>{{"TIME", Kind::string}});
    const Batch rows(schema, {column}, std::vector<int64_t>(column->size()));
    expr::Notes notes;  // the caller tells of each row without a time
    times = expr::evaluate(*parse_, rows, notes);
  }
  std::vector<std::optional<int64_t>> made(times->size());
  for (size_t i = 0; i < made.size(); ++i) {
    if (!times->is_null(i) && times->data<int64_t>()[i] >= 0) made[i] = times->data<int64_t>()[i];
  }
  return made;
}

}  // namespace tradewind::stream
