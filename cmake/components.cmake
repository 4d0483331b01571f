# What embedders link: one library a component, made of its rooms' objects; static, or with BUILD_SHARED_LIBS shared. Everything in the
# tree links the rooms' own archives instead.

option(P2PDIST_INSTALL "Make the install rules" ${PROJECT_IS_TOP_LEVEL})

include(GNUInstallDirs)
if(BUILD_SHARED_LIBS)
    # Set here and not on targets, so that the rooms' objects fit; these are variables of this project's directories, nobody else's.
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    set(CMAKE_CXX_VISIBILITY_PRESET hidden)
    set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
    add_compile_definitions(P2PDIST_SHARED)
endif()

# p2pdist_component(NAME TITLE text ROOMS rooms... [USES components...] [LIBRARIES libraries...] [INTERFACE_LIBRARIES libraries...]
#                   [DEFINITIONS definitions...] [REQUIRES_PRIVATE pkg-config packages...] [LIBS_PRIVATE flags...])
# LIBRARIES are needed to link it, INTERFACE_LIBRARIES and DEFINITIONS also to compile with its headers; the last two say the same to
# pkg-config.
function(p2pdist_component name)
    cmake_parse_arguments(PART "" "TITLE" "ROOMS;USES;LIBRARIES;INTERFACE_LIBRARIES;DEFINITIONS;REQUIRES_PRIVATE;LIBS_PRIVATE" ${ARGN})
    set(objects "")
    foreach(room ${PART_ROOMS})
        get_target_property(kind p2pdist_${room} TYPE)
        if(NOT kind STREQUAL INTERFACE_LIBRARY)
            list(APPEND objects $<TARGET_OBJECTS:p2pdist_${room}>)
        endif()
    endforeach()
    set(target p2pdist_lib_${name})
    set(file p2pdist-${name})
    if(name STREQUAL p2pdist)
        set(file p2pdist)
    endif()
    add_library(${target} ${objects})
    add_library(p2pdist::${name} ALIAS ${target})
    list(TRANSFORM PART_USES PREPEND p2pdist_lib_ OUTPUT_VARIABLE used)
    target_link_libraries(${target} PUBLIC ${used} ${PART_INTERFACE_LIBRARIES} PRIVATE ${PART_LIBRARIES})
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_compile_definitions(${target} INTERFACE ${PART_DEFINITIONS} $<$<BOOL:${BUILD_SHARED_LIBS}>:P2PDIST_SHARED>)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    # 0.x promises nothing from one minor version to the next.
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME ${name} OUTPUT_NAME ${file}
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} INSTALL_RPATH "$ORIGIN")
    if(BUILD_SHARED_LIBS AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
        # Instances of the standard library's templates are visible whatever we say: the linker hides them.
        target_link_options(${target} PRIVATE LINKER:--no-undefined LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/package/exports.map)
        set_property(TARGET ${target} PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/package/exports.map)
    endif()
    if(NOT P2PDIST_INSTALL)
        set_property(TARGET ${target} PROPERTY EXCLUDE_FROM_ALL ON)
        return()
    endif()
    install(TARGETS ${target} EXPORT p2pdist-${name}-targets)
    install(EXPORT p2pdist-${name}-targets NAMESPACE p2pdist:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/p2pdist)
    p2pdist_pkg_config(${file})
endfunction()

# The component's pkg-config file. A program that links the archives asks with --static.
macro(p2pdist_pkg_config file)
    list(TRANSFORM PART_USES PREPEND "p2pdist-" OUTPUT_VARIABLE requires)
    string(REPLACE ";" " " requires "${requires}")
    set(requires_private "")
    set(libs_private "")
    if(NOT BUILD_SHARED_LIBS)
        string(REPLACE ";" " " requires_private "${PART_REQUIRES_PRIVATE}")
        string(REPLACE ";" " " libs_private "${PART_LIBS_PRIVATE}")
    endif()
    set(definitions ${PART_DEFINITIONS})
    if(BUILD_SHARED_LIBS)
        list(APPEND definitions P2PDIST_SHARED)
    endif()
    list(TRANSFORM definitions PREPEND " -D")
    string(REPLACE ";" "" definitions "${definitions}")
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" up "${up}")
    configure_file(${PROJECT_SOURCE_DIR}/cmake/package/component.pc.in ${PROJECT_BINARY_DIR}/package/${file}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/package/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endmacro()

# The headers and the CMake package, once all components are declared.
function(p2pdist_install_package)
    if(NOT P2PDIST_INSTALL)
        return()
    endif()
    include(CMakePackageConfigHelpers)
    configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/package/p2pdist-config.cmake.in ${PROJECT_BINARY_DIR}/package/p2pdist-config.cmake
        INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/p2pdist NO_SET_AND_CHECK_MACRO)
    write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/p2pdist-config-version.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${PROJECT_BINARY_DIR}/package/p2pdist-config.cmake ${PROJECT_BINARY_DIR}/package/p2pdist-config-version.cmake
        ${PROJECT_SOURCE_DIR}/cmake/soci.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/p2pdist)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/p2pdist DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
    install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.cpp" PATTERN "scenarios" EXCLUDE)
endfunction()
