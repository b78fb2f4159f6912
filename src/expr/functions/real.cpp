// Functions of DOUBLEs: roots, powers, logarithms, angles, distances on the earth.
#include <cmath>
#include <numbers>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

template <double (*kFunction)(double)>
Result<Value> of_double(Values a, Types) {
  return Value(kFunction(a[0].real()));
}

Result<Value> power(Values a, Types) {
  return Value(std::pow(a[0].real(), a[1].real()));
}
Result<Value> atan2(Values a, Types) {
  return Value(std::atan2(a[0].real(), a[1].real()));
}
Result<Value> pi(Values, Types) {
  return Value(std::numbers::pi);
}
double cotangent(double x) {
  return 1 / std::tan(x);
}
double to_degrees(double x) {
  return x * 180 / std::numbers::pi;
}
double to_radians(double x) {
  return x * std::numbers::pi / 180;
}

Result<Value> logarithm(Values a, Types) {
  if (a.size() == 1) return Value(std::log(a[0].real()));
  return Value(std::log(a[1].real()) / std::log(a[0].real()));
}

// By the haversine formula on a sphere.
Result<Value> distance(Values a, Types) {
  constexpr double kKilometres = 6371;
  constexpr double kMiles = 3959;
  const std::string unit = a.size() == 5 ? a[4].text() : "KM";
  const bool miles = unit == "MI" || unit == "mi" || unit.starts_with("mile") || unit.starts_with("MILE");
  if (!miles && unit != "KM" && unit != "km" && !unit.starts_with("kilo") && !unit.starts_with("KILO"))
    return Error{Code::invalid, "distances come in KM or MI, not '" + unit + "'"};
  for (size_t i = 0; i < 4; ++i) {
    if (std::fabs(a[i].real()) > (i % 2 == 0 ? 90 : 180))
      return Error{Code::invalid, "a latitude lies within 90 degrees and a longitude within 180"};
  }
  const double from = to_radians(a[0].real());
  const double to = to_radians(a[2].real());
  const double north = std::sin((to - from) / 2);
  const double east = std::sin(to_radians(a[3].real() - a[1].real()) / 2);
  const double half = north * north + east * east * std::cos(from) * std::cos(to);
  return Value((miles ? kMiles : kKilometres) * 2 * std::asin(std::sqrt(half)));
}

#define OF_DOUBLE(name, function, about, example)                                                          \
  {                                                                                                        \
    name, name "(number) -> DOUBLE", about, example,                                                       \
        [](Arguments& a) { return take(name, a, {Kind::real}, Kind::real); }, nullptr, of_double<function> \
  }

const Function kRows[] = {
    OF_DOUBLE("SQRT", std::sqrt, "The square root.", "SQRT(4)"),
    OF_DOUBLE("CBRT", std::cbrt, "The cube root.", "CBRT(8)"),
    OF_DOUBLE("EXP", std::exp, "e to that power.", "EXP(1)"),
    OF_DOUBLE("LN", std::log, "The natural logarithm.", "LN(2)"),
    OF_DOUBLE("SIN", std::sin, "The sine of radians.", "SIN(0)"),
    OF_DOUBLE("COS", std::cos, "The cosine of radians.", "COS(0)"),
    OF_DOUBLE("TAN", std::tan, "The tangent of radians.", "TAN(0)"),
    OF_DOUBLE("COT", cotangent, "The cotangent of radians.", "COT(1)"),
    OF_DOUBLE("ASIN", std::asin, "The angle of a sine, in radians.", "ASIN(1)"),
    OF_DOUBLE("ACOS", std::acos, "The angle of a cosine, in radians.", "ACOS(1)"),
    OF_DOUBLE("ATAN", std::atan, "The angle of a tangent, in radians.", "ATAN(1)"),
    OF_DOUBLE("SINH", std::sinh, "The hyperbolic sine.", "SINH(0)"),
    OF_DOUBLE("COSH", std::cosh, "The hyperbolic cosine.", "COSH(0)"),
    OF_DOUBLE("TANH", std::tanh, "The hyperbolic tangent.", "TANH(0)"),
    OF_DOUBLE("DEGREES", to_degrees, "Radians as degrees.", "DEGREES(PI())"),
    OF_DOUBLE("RADIANS", to_radians, "Degrees as radians.", "RADIANS(180)"),
    {"ATAN2", "ATAN2(y, x) -> DOUBLE", "The angle of the point (x, y), in radians.", "ATAN2(1, 1)",
     [](Arguments& a) {
       return take("ATAN2", a, {Kind::real, Kind::real}, Kind::real);
     },
     nullptr, atan2},
    {"PI", "PI() -> DOUBLE", "3.14159...", "PI()", [](Arguments& a) { return take("PI", a, {}, Kind::real); },
     nullptr, pi},
    {"POWER", "POWER(base, exponent) -> DOUBLE", "The base to the power of the exponent.", "POWER(2, 10)",
     [](Arguments& a) {
       return take("POWER", a, {Kind::real, Kind::real}, Kind::real);
     },
     nullptr, power},
    {"LOG", "LOG([base,] number) -> DOUBLE", "The logarithm; without a base the natural one.", "LOG(2, 8)",
     [](Arguments& a) {
       return take("LOG", a, {Kind::real, Kind::real}, Kind::real, 1);
     },
     nullptr, logarithm},
    {"GEO_DISTANCE", "GEO_DISTANCE(latitude, longitude, latitude, longitude [, 'KM' or 'MI']) -> DOUBLE",
     "The distance between two places on the earth.", "GEO_DISTANCE(51.5, -0.12, 48.85, 2.35)",
     [](Arguments& a) {
       return take("GEO_DISTANCE", a, {Kind::real, Kind::real, Kind::real, Kind::real, Kind::string},
                   Kind::real, 1);
     },
     nullptr, distance},
};

}  // namespace

std::span<const Function> real_functions() {
  return kRows;
}

}  // namespace tradewind::expr
