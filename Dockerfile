FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build /src/dist/main.js /app/main.js
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/app/main.js"]
