# Writes OUT, a header with the text of each .sql file of FOLDER as the array NAME:
# cmake -DOUT=... -DFOLDER=... -DNAME=... -P embed_queries.cmake
file(GLOB files ${FOLDER}/*.sql)
set(text "#pragma once\n\n#include \"cli/shipped_query.h\"\n\nnamespace tradewind::cli::shipped {\n\n")
string(APPEND text "inline constexpr ShippedQuery ${NAME}[] = {\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  file(READ ${file} body)
  string(APPEND text "    {\"${name}\", R\"sql(${body})sql\"},\n")
endforeach()
string(APPEND text "    {nullptr, nullptr}};\n\n}  // namespace tradewind::cli::shipped\n")
file(WRITE ${OUT} "${text}")
