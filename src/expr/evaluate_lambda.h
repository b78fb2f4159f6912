#pragma once
// TRANSFORM, FILTER and REDUCE: a lambda's body is evaluated over a batch with a row per element, so that it
// works on columns like everything else.

#include "expr/evaluate.h"

namespace tradewind::expr {

// REQUIRES a call whose last argument is a lambda.
ColumnPtr evaluate_lambdas(const Expression& call, const Batch& batch, Notes& notes);

}  // namespace tradewind::expr
